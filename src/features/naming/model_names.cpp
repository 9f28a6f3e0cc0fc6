#include "otoscope/features/model_names.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "features/naming/chat.h"
#include "features/naming/prompts.h"
#include "features/naming/table.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/features/meaning.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/post.h"

namespace otoscope::features {
namespace {

constexpr int64_t kLearningRows = 100'000;  // of train and dev that moments are taken from
constexpr int kNameTokens = 100, kPickTokens = 200;

Coded coded(const sae::Sae& sae, const store::Store& store, ChosenRows rows, const char* what,
            Progress& progress) {
  const SparseRows codes = code_rows(sae, store, rows, what, progress);
  return {std::move(rows), Postings(codes, sae.F())};
}

/// By lot, half of them with a rule-made name, of those that fire in enough clips.
std::vector<ModelName> choose(const io::Database& db, const ModelNameOptions& options,
                              const std::vector<Question>& questions) {
  io::Statement rows = db.prepare(
      "SELECT f.id, coalesce(c.name, '') FROM features f LEFT JOIN categories c ON c.feature = "
      "f.id "
      "WHERE f.state IN ('alive', 'unmeasured') ORDER BY f.id");
  std::vector<ModelName> named, others;
  while (rows.step()) {
    ModelName one;
    one.feature = rows.integer(0);
    one.rule_name = rows.text(1).substr(0, rows.text(1).rfind("; "));  // without its figures
    if (questions[static_cast<size_t>(one.feature)].rows.empty()) continue;
    (one.rule_name.empty() ? others : named).push_back(std::move(one));
  }
  Rng rng(options.seed, "features named by a model");
  std::vector<ModelName> chosen;
  const auto take = [&](std::vector<ModelName>& from, size_t until) {
    for (const int64_t i : rng.permutation(static_cast<int64_t>(from.size())))
      if (chosen.size() < until) chosen.push_back(from[static_cast<size_t>(i)]);
  };
  const auto all = static_cast<size_t>(options.features);
  take(named, std::max(all / 2, all - std::min(all, others.size())));
  take(others, all);
  std::sort(chosen.begin(), chosen.end(),
            [](const ModelName& a, const ModelName& b) { return a.feature < b.feature; });
  return chosen;
}

class Namer {
 public:
  Namer(const std::filesystem::path& path, const store::Store& store,
        std::span<const audio::ClipLabels> labels, const ModelNameOptions& options,
        Progress& progress)
      : db_(path, io::Database::Mode::write),
        store_(store),
        text_(store, labels),
        options_(options),
        address_(chat_address(options.endpoint)),
        progress_(progress) {
    const char* key = std::getenv("OTOSCOPE_NAMES_KEY");
    post_.key = key != nullptr ? key : "";
    post_.timeout_s = options.timeout_s;
    post_.retries = options.retries;
  }

  void run(const Coded& learning, const Coded& test) {
    questions_.resize(static_cast<size_t>(test.postings.units()));
    for (size_t f = 0; f < questions_.size(); ++f)
      questions_[f] = ask(store_, test, static_cast<int64_t>(f), options_.asked, options_.seed);
    names_ = choose(db_, options_, questions_);
    open_model_names(db_, key_of(learning));
    for (const ModelName& kept : read_model_names(db_))
      for (ModelName& one : names_)
        if (one.feature == kept.feature) one = kept, known_.push_back(one.feature);
    make_names(learning);
    score_names();
  }

  const std::vector<ModelName>& names() const { return names_; }

 private:
  /// Equal questions to the same model at the same place.
  std::string key_of(const Coded& learning) const {
    std::string text = std::to_string(kPromptVersion) + " " + options_.model + " " + address_ +
                       " " + std::to_string(options_.seed) + " " + std::to_string(options_.shown) +
                       " " + std::to_string(options_.asked) + " " +
                       std::to_string(options_.features) + "\n" + store_.hash();
    for (const ModelName& one : names_) {
      const auto f = static_cast<size_t>(one.feature);
      text += "\n" + one.rule_name + "\n" + naming_prompt(shown(learning, one), text_).second +
              detection_prompt("", questions_[f], text_).second;
    }
    return options_.model + " " + io::sha256(text);
  }

  Shown shown(const Coded& learning, const ModelName& one) const {
    return show(store_, learning, one.feature, options_.shown, options_.seed);
  }

  std::string answer(const Prompt& prompt, int tokens) const {
    throw_if_interrupted();
    return chat_content(
        io::post_json(address_, chat_body(options_.model, prompt.first, prompt.second, tokens),
                      post_),
        address_);
  }

  void make_names(const Coded& learning) {
    progress_.start("names by " + options_.model, static_cast<int64_t>(names_.size()), "features");
    int64_t done = 0;
    for (ModelName& one : names_) {
      progress_.advance(++done);
      if (std::find(known_.begin(), known_.end(), one.feature) != known_.end()) continue;
      const Shown moments = shown(learning, one);
      if (!moments.moments.empty())
        one.name = name_in(answer(naming_prompt(moments, text_), kNameTokens)).value_or("");
      write_model_name(db_, one);
    }
    progress_.finish();
  }

  std::optional<Detection> detect(const std::string& name, const Question& question) const {
    if (name.empty()) return {};
    const auto n = static_cast<int>(question.rows.size());
    const auto picks = picks_in(answer(detection_prompt(name, question, text_), kPickTokens), n);
    if (!picks) return {};
    Detection detection{0, n};
    for (int i = 0; i < n; ++i) {
      const bool picked = std::binary_search(picks->begin(), picks->end(), i + 1);
      if (picked == (question.fires[static_cast<size_t>(i)] != 0)) ++detection.right;
    }
    return detection;
  }

  void score_names() {
    std::vector<size_t> named;
    for (size_t i = 0; i < names_.size(); ++i)
      if (!names_[i].name.empty()) named.push_back(i);
    // Round a random circle: everyone gets another's name.
    Rng rng(options_.seed, "names of other features");
    const std::vector<int64_t> circle = rng.permutation(static_cast<int64_t>(named.size()));
    progress_.start("what the names are worth", static_cast<int64_t>(named.size()), "features");
    for (size_t i = 0; i < circle.size(); ++i) {
      progress_.advance(static_cast<int64_t>(i) + 1);
      ModelName& one = names_[named[static_cast<size_t>(circle[i])]];
      if (one.asked) continue;
      const Question& question = questions_[static_cast<size_t>(one.feature)];
      if (circle.size() > 1)
        one.other = names_[named[static_cast<size_t>(circle[(i + 1) % circle.size()])]].name;
      one.own = detect(one.name, question);
      one.rule = detect(one.rule_name, question);
      one.shuffled = detect(one.other, question);
      one.asked = true;
      write_model_name(db_, one);
    }
    progress_.finish();
  }

  io::Database db_;
  const store::Store& store_;
  MomentText text_;
  const ModelNameOptions& options_;
  std::string address_;
  io::PostOptions post_;
  Progress& progress_;
  std::vector<Question> questions_;  // (F)
  std::vector<ModelName> names_;
  std::vector<int64_t> known_;
};

using Which = std::optional<Detection> ModelName::*;

/// Mean of a minus mean of b over the features that have both; b absent: of a alone.
Estimate mean_of(const std::vector<ModelName>& names, Which a, Which b, uint64_t seed) {
  std::vector<double> values, ones;
  int64_t answers = 0;
  for (const ModelName& one : names) {
    if (!(one.*a) || (b != nullptr && !(one.*b))) continue;
    values.push_back((one.*a)->accuracy() - (b != nullptr ? (one.*b)->accuracy() : 0));
    ones.push_back(1);
    answers += (one.*a)->of;
  }
  if (values.empty()) return {NAN, NAN, NAN, 0, 0, "none"};
  return bootstrap_ratio(values, ones, answers, seed);
}

ModelNameSummary summary_of(const std::vector<ModelName>& names, const ModelNameOptions& options) {
  ModelNameSummary summary;
  summary.model = options.model;
  for (const ModelName& one : names) {
    summary.named += one.name.empty() ? 0 : 1;
    summary.unusable += one.name.empty() ? 1 : 0;
    if (!one.asked) continue;
    summary.unusable += one.own ? 0 : 1;
    summary.unusable += one.rule || one.rule_name.empty() ? 0 : 1;
    summary.unusable += one.shuffled || one.other.empty() ? 0 : 1;
  }
  summary.own = mean_of(names, &ModelName::own, nullptr, options.seed);
  summary.rule = mean_of(names, &ModelName::rule, nullptr, options.seed);
  summary.shuffled = mean_of(names, &ModelName::shuffled, nullptr, options.seed);
  summary.over_rule = mean_of(names, &ModelName::own, &ModelName::rule, options.seed);
  summary.over_shuffled = mean_of(names, &ModelName::own, &ModelName::shuffled, options.seed);
  return summary;
}

}  // namespace

ModelNameSummary name_by_model(const std::filesystem::path& database, const sae::Sae& sae,
                               const store::Store& store, std::span<const audio::ClipLabels> labels,
                               const ModelNameOptions& options, Progress& progress) {
  if (options.model.empty())
    throw UserError("--names-model", "expected the name of a model, got none",
                    "the endpoint's /v1/models lists what it has");
  const Coded test = coded(sae, store, choose_rows(store, store::Split::test),
                           "encode test rows for names", progress);
  const Coded learning = coded(sae, store, choose_learning_rows(store, kLearningRows),
                               "encode rows for names", progress);
  Namer namer(database, store, labels, options, progress);
  namer.run(learning, test);
  return summary_of(namer.names(), options);
}

}  // namespace otoscope::features
