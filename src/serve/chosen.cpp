#include "serve/chosen.h"

#include <algorithm>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/io/sqlite.h"
#include "serve/shared_word.h"

namespace otoscope::serve {
namespace {

constexpr const char* kFeatureColumns =
    "id, state, coalesce(association, ''), fired, items, clusters, rate, rate_low, rate_high, "
    "coalesce(max_value, 0), "
    "coalesce(largest_item_share, 0), coalesce(silent_share, 0), coalesce(loudness_z, 0), "
    "coalesce(position_eta, 0), "
    "shift_share, shift_low, shift_high, coalesce(shift_n, 0)";
// Enough evidence to be worth a person's time.
constexpr const char* kHeard =
    "state IN ('alive', 'unmeasured') AND clusters >= 10 AND fired >= 20";

ChosenFeature read_feature(const io::Statement& row) {
  ChosenFeature f;
  int c = 0;
  f.id = row.integer(c++);
  f.state = row.text(c++);
  f.association = row.text(c++);
  f.fired = row.integer(c++), f.items = row.integer(c++), f.clusters = row.integer(c++);
  f.rate = row.number(c++), f.rate_low = row.number(c++), f.rate_high = row.number(c++);
  f.max_value = row.number(c++), f.largest_item_share = row.number(c++),
  f.silent_share = row.number(c++);
  f.loudness_z = row.number(c++), f.position_eta = row.number(c++);
  if (!row.is_null(c))
    f.shift_share = row.number(c), f.shift_low = row.number(c + 1),
    f.shift_high = row.number(c + 2);
  f.shift_n = row.integer(c + 3);
  return f;
}

/// Tables of a database from elsewhere may name features that it has not.
ChosenFeature feature_at(const io::Database& db, int64_t id) {
  io::Statement row =
      db.prepare("SELECT " + std::string(kFeatureColumns) + " FROM features WHERE id = ?");
  row.bind(1, id);
  if (!row.step())
    throw UserError(db.path().string(),
                    "expected a feature " + std::to_string(id) + ", got none of that number",
                    "describe the SAE again");
  return read_feature(row);
}

void fill_languages(const io::Database& db, ChosenFeature& feature) {
  io::Statement rows = db.prepare(
      "SELECT language, share, low, high, lift, fired FROM languages WHERE feature = ? ORDER BY "
      "language");
  rows.bind(1, feature.id);
  while (rows.step())
    feature.languages.push_back({rows.text(0), rows.number(1), rows.number(2), rows.number(3),
                                 rows.number(4), rows.integer(5)});
}

void fill_examples(const io::Database& db, int count, ChosenFeature& feature) {
  // Two thirds of what is shown are the strongest; the rest come from the weaker quantiles.
  const int top = std::max(1, count * 2 / 3);
  io::Statement rows = db.prepare(
      "SELECT e.kind, e.rank, e.item, e.frame, e.first_frame, e.value, e.trace, i.path, "
      "i.language, i.split, i.text, i.name, "
      "i.offset_s, i.duration_s FROM examples e JOIN items i ON i.id = e.item WHERE e.feature = "
      "? AND "
      "((e.kind = 'top' AND e.rank < ?) OR (e.kind <> 'top' AND e.kind <> 'quantile 5' AND "
      "e.rank = 0)) "
      "ORDER BY e.kind <> 'top', e.kind DESC, e.rank");
  rows.bind(1, feature.id).bind(2, top);
  while (rows.step() && static_cast<int>(feature.examples.size()) < count) {
    Example example;
    example.kind = rows.text(0), example.rank = static_cast<int>(rows.integer(1));
    example.item = rows.integer(2), example.frame = rows.integer(3),
    example.first_frame = rows.integer(4);
    example.value = rows.number(5), example.trace = rows.blob(6);
    example.path = rows.text(7), example.language = rows.text(8), example.split = rows.text(9);
    example.text = rows.text(10), example.name = rows.text(11);
    example.offset_s = rows.number(12), example.duration_s = rows.number(13);
    feature.examples.push_back(std::move(example));
  }
}

/// Everything of a feature beside its own row.
void fill(const io::Database& db, int examples, ChosenFeature& feature) {
  fill_languages(db, feature);
  fill_examples(db, examples, feature);
  if (has_meaning(db)) feature.meaning = meaning_of(db, feature.id);
  feature.models_name = models_name_of(db, feature.id);
}

class Chooser {
 public:
  Chooser(const io::Database& db, const ChoiceOptions& options) : db_(db), options_(options) {}

  void take(const std::string& group, const std::string& why, const std::string& condition,
            int count) {
    io::Statement rows =
        db_.prepare("SELECT " + std::string(kFeatureColumns) + " FROM features WHERE " + condition);
    int taken = 0;
    while (taken < count && rows.step())
      if (keep(read_feature(rows), group, why)) ++taken;
  }

  void take_words() {
    std::map<std::string, int64_t> frequency;
    int64_t documents = 0;
    io::Statement texts = db_.prepare("SELECT text FROM items");
    while (texts.step()) {
      ++documents;
      const std::vector<std::string> words = words_of(texts.text(0));
      for (const std::string& word : std::set<std::string>(words.begin(), words.end()))
        ++frequency[word];
    }
    struct Candidate {
      double surprise;
      int64_t feature;
      std::string word;
      int examples, of;
    };
    std::vector<Candidate> candidates;
    io::Statement features = db_.prepare("SELECT id FROM features WHERE " + std::string(kHeard));
    io::Statement examples = db_.prepare(
        "SELECT i.text FROM examples e JOIN items i ON i.id = e.item WHERE e.feature = ? AND "
        "e.kind = 'top'");
    while (features.step()) {
      std::vector<std::string> top;
      examples.bind(1, features.integer(0));
      while (examples.step()) top.push_back(examples.text(0));
      const SharedWord shared = shared_word(top, frequency, documents);
      if (shared.examples >= 3)
        candidates.push_back({shared.surprise, features.integer(0), shared.word, shared.examples,
                              static_cast<int>(top.size())});
    }
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      return a.surprise != b.surprise ? a.surprise > b.surprise : a.feature < b.feature;
    });
    std::set<std::string> words;
    int taken = 0;
    for (const Candidate& candidate : candidates) {
      if (taken == options_.words) break;
      if (!words.insert(candidate.word).second) continue;  // a word once
      ChosenFeature feature = feature_at(db_, candidate.feature);
      feature.shared_examples = candidate.examples, feature.shared_of = candidate.of;
      if (keep(std::move(feature), "words",
               "chosen because its strongest clips hold the word “" + candidate.word + "”"))
        ++taken;
    }
  }

  void take_by_lot() {
    std::vector<int64_t> ids;
    io::Statement rows =
        db_.prepare("SELECT id FROM features WHERE " + std::string(kHeard) + " ORDER BY id");
    while (rows.step()) ids.push_back(rows.integer(0));
    Rng rng(options_.seed, "features by lot");
    int taken = 0;
    for (const int64_t place : rng.permutation(static_cast<int64_t>(ids.size()))) {
      if (taken == options_.lot) break;
      if (keep(feature_at(db_, ids[static_cast<size_t>(place)]), "lot",
               "drawn by lot among the features with enough evidence"))
        ++taken;
    }
  }

  std::vector<ChosenFeature> finish() {
    for (ChosenFeature& feature : chosen_) fill(db_, options_.examples, feature);
    return std::move(chosen_);
  }

 private:
  bool keep(ChosenFeature feature, const std::string& group, const std::string& why) {
    if (!seen_.insert(feature.id).second) return false;
    feature.group = group;
    feature.why = why;
    chosen_.push_back(std::move(feature));
    return true;
  }

  const io::Database& db_;
  ChoiceOptions options_;
  std::set<int64_t> seen_;
  std::vector<ChosenFeature> chosen_;
};

}  // namespace

FeatureCounts count_features(const std::filesystem::path& database) {
  const io::Database db(database);
  FeatureCounts counts;
  io::Statement states = db.prepare("SELECT state, count(*) FROM features GROUP BY state");
  while (states.step()) counts.features += counts.states[states.text(0)] = states.integer(1);
  io::Statement names = db.prepare(
      "SELECT coalesce(association, ''), count(*) FROM features WHERE state <> 'dead' GROUP BY 1");
  while (names.step()) {
    if (names.text(0).empty())
      counts.unnamed = names.integer(1);
    else
      counts.associations[names.text(0)] = names.integer(1);
  }
  return counts;
}

std::vector<ChosenFeature> choose_features(const std::filesystem::path& database,
                                           const ChoiceOptions& options) {
  const io::Database db(database);
  Chooser chooser(db, options);
  chooser.take_words();
  const std::string heard = kHeard;
  chooser.take("language", "chosen because its firings are nearly all in one language",
               heard + " ORDER BY language_low DESC, fired DESC", options.language);
  chooser.take("sound", "chosen because it fires in silence",
               heard + " ORDER BY silent_lift DESC, id", options.sound / 2);
  chooser.take("sound", "chosen because it fires where it is loud",
               heard + " ORDER BY loudness_z DESC, id", options.sound - options.sound / 2);
  chooser.take_by_lot();
  chooser.take("bad", "a failure: moved elsewhere in the window, it mostly stops firing",
               "state = 'position-bound' ORDER BY fired DESC", (options.bad + 1) / 2);
  chooser.take("bad", "a failure: it fires almost everywhere",
               "state = 'dense' ORDER BY fired DESC", options.bad / 4);
  chooser.take("bad", "a failure: most of its firings are in one clip",
               "state <> 'dead' AND fired >= 20 ORDER BY largest_item_share DESC, id",
               options.bad / 4);
  return chooser.finish();
}

std::vector<ChosenFeature> choose_of_category(const std::filesystem::path& database,
                                              const std::string& category,
                                              const ChoiceOptions& options) {
  const io::Database db(database);
  std::vector<ChosenFeature> chosen;
  if (!has_meaning(db)) return chosen;
  for (const int64_t id : strongest_of(db, category, options.per_category)) {
    chosen.push_back(feature_at(db, id));
    chosen.back().group = "category";
    chosen.back().why = "among the strongest of its category, by the lower end of F1 on test";
    fill(db, options.category_examples, chosen.back());
  }
  return chosen;
}

}  // namespace otoscope::serve
