#include "otoscope/steer/crosslingual.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"
#include "otoscope/steer/directions.h"
#include "otoscope/steer/text_language.h"
#include "steer/crosslingual_measures.h"

namespace otoscope::steer {
namespace {

using io::OrderedJson;

constexpr double kBroken = 0.1;  // on dev: share of empty and looping texts that is put up with

/// Both at once: what the text is in, and what Whisper thinks.
class TowardTarget : public Target {
 public:
  TowardTarget(std::string language, const TextLanguage& guesser, int min_words)
      : language_(std::move(language)), guesser_(guesser), min_words_(min_words) {}
  std::string name() const override { return "text in " + language_; }
  bool decodes() const override { return true; }
  std::vector<std::string> languages() const override { return {language_}; }
  Parts score(const eval::SplicedClip&, const Outcome& o) const override {
    // What is left of a broken text ("H.") would be guessed to be something.
    return {count_words(o.text) >= min_words_ && guesser_.guess(o.text) == language_ ? 1.0 : 0.0,
            1};
  }

 private:
  std::string language_;
  const TextLanguage& guesser_;
  int min_words_;
};

Arm arm_of(std::string name, Arm::Role role, std::vector<Operator> operators,
           std::vector<double> strengths, std::string language) {
  Arm arm;
  arm.name = std::move(name);
  arm.role = role;
  arm.operators = std::move(operators);
  arm.strengths = std::move(strengths);
  arm.language = std::move(language);
  arm.decode = true;
  return arm;
}

struct Chosen {
  size_t arm = 0;
  double strength = 0, share = 0;
};

/// The dose with the most texts in the language, of those that break few; the smaller on ties.
Chosen choose(const DoseRun& run, std::span<const Arm> arms, const std::vector<size_t>& among,
              const eval::ClipChoice& choice, const Target& target) {
  Chosen best{among[0], run.arms[among[0]][0].strength, -1};
  for (const size_t a : among)
    for (const Response& r : run.arms[a]) {
      double share = 0, broken = 0;
      for (size_t i = 0; i < r.clips.size(); ++i) {
        share += target.score(choice.clips[i], r.clips[i]).a;
        broken += r.clips[i].empty || r.clips[i].looping ? 1 : 0;
      }
      const auto n = static_cast<double>(r.clips.size());
      if (broken / n > kBroken) continue;
      if (share / n > best.share) best = {a, r.strength, share / n};
    }
  OTO_ASSERT(best.arm < arms.size());
  return best;
}

std::vector<double> both_signs(const std::vector<float>& strengths, double chosen) {
  std::vector<double> grid{0, chosen, -chosen};
  for (const float s : strengths) grid.push_back(s), grid.push_back(-static_cast<double>(s));
  std::sort(grid.begin(), grid.end());
  grid.erase(std::unique(grid.begin(), grid.end()), grid.end());
  return grid;
}

/// All doses that were tried on dev.
OrderedJson dev_json(const DoseRun& run, std::span<const Arm> arms, const eval::ClipChoice& choice,
                     const Target& target, const DoseOptions& options) {
  OrderedJson list = OrderedJson::array();
  for (size_t a = 0; a < arms.size(); ++a)
    for (const Response& r : run.arms[a]) {
      const ResponseMeasures m = measure(run, r.clips, 1, choice, target, options);
      list.push_back({{"arm", arms[a].name},
                      {"strength", r.strength},
                      {"share", m.target.value},
                      {"empty", m.empty.value},
                      {"looping", m.looping.value}});
    }
  return list;
}

OrderedJson accuracy_json(const TextLanguageAccuracy& accuracy) {
  OrderedJson json{{"method", "naive Bayes over character n-grams of words, orders 1 to 4"},
                   {"accuracy", io::to_json(accuracy.all)}};
  for (const auto& [code, estimate] : accuracy.by_language)
    json["by_language"][code] = io::to_json(estimate);
  return json;
}

}  // namespace

OrderedJson steer_language(const model::Whisper& model, const model::Tokenizer& tokenizer,
                           const sae::Sae& sae, const store::Store& store,
                           const store::Manifest& manifest, const CrosslingualOptions& given,
                           const DoseOptions& dose, Progress& progress) {
  CrosslingualOptions options = given;
  if (options.sizes.empty()) options.sizes = {16, 64, 256};
  if (options.strengths.empty()) options.strengths = {0.5F, 1, 2, 4};
  if (options.from == options.toward)
    throw UserError("--toward", "expected another language than --from");
  if (*std::min_element(options.sizes.begin(), options.sizes.end()) < 1)
    throw UserError("--sizes", "expected sizes of at least 1");
  const model::Site site = model::find_site(model.dims(), store.site());
  const TextLanguage guesser = TextLanguage::of_manifest(manifest);
  for (const auto& code : {options.from, options.toward})
    if (std::find(guesser.languages().begin(), guesser.languages().end(), code) ==
        guesser.languages().end())
      throw UserError(code,
                      "expected a language of the corpus, which has " + join(guesser.languages()));
  const auto accuracy =
      text_language_accuracy(guesser, manifest, store::Split::test, dose.seed, options.min_words);
  const TowardTarget target(options.toward, guesser, options.min_words);

  // Train: features and the difference of means.
  const Contrast found = contrast(
      sae, store, store::Split::train,
      [&](const store::Item& item) {
        return item.language == options.from ? 0 : item.language == options.toward ? 1 : -1;
      },
      200, progress);
  const Scales scales = measure_scales(&sae, store, store::Split::train, 16384, progress);

  const eval::Pca pca = site_pca(store);

  // Dev: how many features, how strong.
  const TranslatedClips pairs =
      parallel_clips(manifest, options.from, options.toward, options.min_words);
  std::vector<double> strengths(options.strengths.begin(), options.strengths.end());
  std::vector<Arm> dev_arms;
  std::vector<size_t> sizes;
  for (const int k : options.sizes) {
    sizes.push_back(dev_arms.size());
    dev_arms.push_back(arm_of(fmt::format("{} features", k), Arm::Role::tested,
                              {shift_features(found, k)}, strengths, "detect"));
  }
  dev_arms.push_back(arm_of("difference of means", Arm::Role::rival, {shift_direction(found)},
                            strengths, "detect"));
  const auto dev_choice =
      eval::choose_clips(pairs.manifest, store::Split::dev, options.dev_clips, model, tokenizer);
  const DoseRun dev =
      run_doses(model, tokenizer, dev_choice, site, &sae, dev_arms, target, dose, progress);
  const Chosen ours = choose(dev, dev_arms, sizes, dev_choice, target);
  const Chosen means = choose(dev, dev_arms, {dev_arms.size() - 1}, dev_choice, target);

  // Test, once.
  const auto choice =
      eval::choose_clips(pairs.manifest, store::Split::test, options.test_clips, model, tokenizer);
  const std::vector<Operator> edit = dev_arms[ours.arm].operators;
  std::vector<Arm> arms{
      arm_of("features, language detected", Arm::Role::tested, edit,
             both_signs(options.strengths, ours.strength), "detect"),
      arm_of("features, token " + options.from, Arm::Role::tested, edit, {ours.strength}, "own"),
      arm_of("no edit, language detected", Arm::Role::rival, {}, {0}, "detect"),
      arm_of("no edit, token " + options.toward, Arm::Role::rival, {}, {0}, options.toward),
      arm_of("features, token " + options.toward, Arm::Role::rival, edit, {ours.strength},
             options.toward),
      arm_of("difference of means, language detected", Arm::Role::rival, {shift_direction(found)},
             {means.strength}, "detect"),
      arm_of("difference of means, token " + options.from, Arm::Role::rival,
             {shift_direction(found)}, {means.strength}, "own")};
  add_controls(arms, 0, {ours.strength}, options.controls, options.control_every, scales, store.d(),
               dose.seed);
  const DoseRun run = run_doses(model, tokenizer, choice, site, &sae, arms, target, dose, progress);

  OrderedJson json = dose_json(run, arms, choice, target, dose);
  for (size_t a = 0; a < arms.size(); ++a)
    for (size_t p = 0; p < run.arms[a].size(); ++p) {
      OrderedJson& point = json["arms"][a]["points"][p];
      point["meaning"] = meaning_json(run.arms[a][p].clips, arms[a].every, choice, pairs, dose);
      point["toward_probability"] =
          probability_json(run.arms[a][p].clips, arms[a].every, choice, dose);
      if (arms[a].every == 1 &&
          (run.arms[a].size() == 1 || run.arms[a][p].strength == ours.strength))
        point["examples"] = examples_json(run.arms[a][p], choice, pairs);
    }
  json["text_language"] = accuracy_json(accuracy);
  json["chosen"] = {{"from", options.from},
                    {"toward", options.toward},
                    {"site", store.site()},
                    {"min_words", options.min_words},
                    {"train_items", {found.items[0], found.items[1]}},
                    {"dev_clips", dev_choice.clips.size()},
                    {"features", edit[0].features},
                    {"strength", ours.strength},
                    {"dev_share", ours.share},
                    {"means_strength", means.strength},
                    {"means_dev_share", means.share},
                    {"dev", dev_json(dev, dev_arms, dev_choice, target, dose)}};
  return json;
}

}  // namespace otoscope::steer
