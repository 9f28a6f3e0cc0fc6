#include "otoscope/features/crosslingual.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "features/one_label.h"
#include "features/pooled.h"
#include "features/translations.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/features/coded_rows.h"

namespace otoscope::features {
namespace {

/// Languages with clips in both the learning and the test splits.
std::vector<std::string> languages_of(const store::Store& store) {
  std::set<std::string> all;
  for (const store::Item& item : store.items())
    if (!item.language.empty() && item.speech) all.insert(item.language);
  return {all.begin(), all.end()};
}

/// Language and cluster of each chosen row, and its label where there are labels.
LabelledSpeech describe_rows(const store::Store& store, const ChosenRows& rows,
                             const std::vector<std::string>& languages,
                             const std::vector<int32_t>& label_of_row, int64_t values) {
  LabelledSpeech out;
  out.values = values;
  out.languages = static_cast<int64_t>(languages.size());
  out.clusters = static_cast<int64_t>(rows.clusters.size());
  out.cluster = rows.cluster;
  for (const int64_t row : rows.rows) {
    const store::Item& item = store.items()[static_cast<size_t>(store.origin(row).item)];
    const auto found = std::lower_bound(languages.begin(), languages.end(), item.language);
    const bool known = item.speech && found != languages.end() && *found == item.language;
    out.language.push_back(known ? static_cast<int32_t>(found - languages.begin()) : -1);
    out.label.push_back(label_of_row.empty() ? -1 : label_of_row[static_cast<size_t>(row)]);
  }
  return out;
}

/// Every centring of one pooled representation on train and dev; the best one on test.
RepresentationResult search_with(const PooledClips& learning, const ParallelClips& learning_clips,
                                 const PooledClips& test, const ParallelClips& test_clips,
                                 const std::string& of, const CrosslingualOptions& options) {
  RepresentationResult best{of, learning.what, learning.pool, Centre::none, -1, false, {}};
  Centring chosen;
  const bool fixed = learning.what == "length" || learning.what == "letters";
  for (const Centre how : {Centre::none, Centre::language, Centre::standard}) {
    if (fixed && how != Centre::none) break;
    Centring centring = fit_centring(how, learning.x, learning_clips);
    const double mrr =
        mean_reciprocal_rank(centred(learning.x, learning_clips, centring), learning_clips);
    if (mrr > best.learning_mrr)
      best.learning_mrr = mrr, best.centre = how, chosen = std::move(centring);
  }
  best.result =
      retrieve(centred(test.x, test_clips, chosen), test_clips, options.permutations, options.seed);
  return best;
}

/// The columns of some features.
PooledClips columns_of(const PooledClips& all, std::span<const int64_t> features) {
  PooledClips some{all.what, all.pool,
                   Tensor<float>(Shape{all.x.shape()[0], static_cast<int64_t>(features.size())})};
  for (int64_t i = 0; i < some.x.shape()[0]; ++i)
    for (size_t k = 0; k < features.size(); ++k)
      some.x.at(i, static_cast<int64_t>(k)) = all.x.at(i, features[k]);
  return some;
}

class Measurement {
 public:
  Measurement(const std::vector<CrosslingualSae>& saes,
              const std::optional<std::vector<audio::ClipLabels>>& labels,
              const CrosslingualOptions& options, Progress& progress)
      : saes_(saes),
        labels_(labels),
        options_(options),
        progress_(progress),
        store_(*saes.at(0).store) {}

  Crosslingual run() {
    out_.options = options_;
    out_.store_hash = store_.hash();
    out_.sae_hash = saes_[0].sae->hash;
    out_.languages = languages_of(store_);
    clips_test_ = parallel_clips(store_, true);
    clips_learning_ = parallel_clips(store_, false);
    if (clips_test_.languages.size() < 2 || clips_test_.prompts.size() < 2)
      throw UserError(store_.path().string(),
                      "expected prompts that the test split has in two languages, got " +
                          std::to_string(clips_test_.prompts.size()),
                      "extract a corpus with parallel prompts, as `data get prompts`");
    for (const std::string& language : clips_test_.languages)
      if (std::find(clips_learning_.languages.begin(), clips_learning_.languages.end(), language) ==
          clips_learning_.languages.end())
        throw UserError(store_.path().string(),
                        "expected " + language + " among the parallel prompts of train or dev too",
                        "extract the store without --split");
    for (const std::string& language : out_.languages) {
      std::set<std::string> voices;
      for (const store::Item& item : store_.items())
        if (item.language == language && !item.speaker.empty()) voices.insert(item.speaker);
      out_.speakers.emplace_back(voices.begin(), voices.end());
    }
    out_.prompts = static_cast<int64_t>(clips_test_.prompts.size());
    out_.clips = static_cast<int64_t>(clips_test_.items.size());
    learning_ = choose_learning_rows(store_, options_.learning_rows);
    test_ = choose_rows(store_, store::Split::test);
    out_.test_rows = test_.size();
    out_.clusters = static_cast<int64_t>(test_.clusters.size());
    if (labels_) {
      one_ = one_label(store_, *labels_, options_.kind, false);
      out_.label_values = one_.values;
    }
    for (size_t i = 0; i < saes_.size(); ++i) measure_sae(i);
    add_baselines();
    choose();
    return std::move(out_);
  }

 private:
  void measure_sae(size_t i) {
    const CrosslingualSae& one = saes_[i];
    const store::Store& store = *one.store;
    if (i > 0 && one.store != saes_[0].store) check_same_rows(store_, store);
    check_sae_fits(*one.sae, store);
    SaeCrosslingual measured;
    measured.name = one.name;
    const auto values = static_cast<int64_t>(one_.values.size());
    const LabelledSpeech rows = describe_rows(store, test_, out_.languages, one_.of_row, values);
    const SparseRows codes = code_rows(*one.sae, store, test_, "encode " + one.name, progress_);
    progress_.start("compare languages, " + one.name, labels_ ? 3 : 2, "steps");
    measured.rates = rate_differences(codes, one.sae->F(), rows.language, rows.cluster,
                                      rows.languages, rows.clusters, options_.least_firings,
                                      std::min(options_.permutations, 199), options_.seed);
    progress_.advance(1);
    if (labels_) {
      if (i == 0)
        out_.labelled_rows = std::count_if(rows.label.begin(), rows.label.end(),
                                           [](int32_t label) { return label >= 0; });
      SharingOptions sharing;
      sharing.seed = options_.seed;
      measured.sharing = measure_sharing(codes, one.sae->F(), rows, sharing);
      progress_.advance(2);
    }
    progress_.finish();
    if (labels_ && i == 0) {
      const SparseRows choosing =
          code_rows(*one.sae, store, learning_, "encode " + one.name + ", train", progress_);
      measured.precision = label_precisions(
          choosing, describe_rows(store, learning_, out_.languages, one_.of_row, values), codes,
          rows, one.sae->F(), options_.least_firings);
    }

    const bool first = i == 0;
    const auto learning = pool_features(*one.sae, store, clips_learning_.items, first, progress_);
    const auto test = pool_features(*one.sae, store, clips_test_.items, first, progress_);
    for (size_t k = 0; k < learning.size(); ++k)
      out_.retrieval.push_back(search_with(learning[k], clips_learning_, test[k], clips_test_,
                                           learning[k].what == "features" ? one.name : "",
                                           options_));
    measured.translations =
        follow_translations(test[1].x, clips_test_, options_.permutations, options_.seed);
    if (i == 0) measure_categories(one, learning, test, measured);
    out_.saes.push_back(std::move(measured));
  }

  void measure_categories(const CrosslingualSae& one, std::span<const PooledClips> learning,
                          std::span<const PooledClips> test, SaeCrosslingual& measured) const {
    std::map<std::string, std::vector<int64_t>> by_category;
    for (size_t f = 0; f < one.categories.size(); ++f)
      if (!one.categories[f].empty())
        by_category[one.categories[f]].push_back(static_cast<int64_t>(f));
    for (const auto& [category, features] : by_category) {
      CategoryResult result;
      result.category = category;
      result.features = static_cast<int64_t>(features.size());
      result.search.learning_mrr = -1;
      for (const size_t pool : {size_t{0}, size_t{1}}) {
        RepresentationResult found =
            search_with(columns_of(learning[pool], features), clips_learning_,
                        columns_of(test[pool], features), clips_test_, one.name, options_);
        if (found.learning_mrr > result.search.learning_mrr) result.search = std::move(found);
      }
      result.search.chosen = true;
      double sum = 0, n = 0;
      for (const int64_t feature : features) {
        const auto f = static_cast<size_t>(feature);
        if (std::isnan(measured.translations.r[f])) continue;
        sum += measured.translations.r[f], n += 1;
        result.significant += measured.translations.q[f] <= 0.05F;
      }
      result.mean_r = n == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / n;
      measured.categories.push_back(std::move(result));
    }
  }

  void add_baselines() {
    const auto add = [&](const PooledClips& learning, const PooledClips& test) {
      out_.retrieval.push_back(
          search_with(learning, clips_learning_, test, clips_test_, "", options_));
    };
    const auto mel = pool_log_mel(store_, clips_learning_.items, progress_);
    std::vector<PooledClips> mel_test;
    if (!mel.empty()) mel_test = pool_log_mel(store_, clips_test_.items, progress_);
    for (size_t k = 0; k < std::min(mel.size(), mel_test.size()); ++k) add(mel[k], mel_test[k]);
    const auto length = [](const ParallelClips& clips) {
      return pool_length(clips.seconds, clips.language,
                         static_cast<int64_t>(clips.languages.size()));
    };
    add(length(clips_learning_), length(clips_test_));
    add(pool_letters(store_, clips_learning_.items), pool_letters(store_, clips_test_.items));
  }

  /// Of mean and max of one thing, the better on train and dev is the one to quote.
  void choose() {
    for (RepresentationResult& one : out_.retrieval)
      one.chosen = std::none_of(out_.retrieval.begin(), out_.retrieval.end(),
                                [&](const RepresentationResult& other) {
                                  return other.of == one.of && other.what == one.what &&
                                         other.learning_mrr > one.learning_mrr;
                                });
  }

  const std::vector<CrosslingualSae>& saes_;
  const std::optional<std::vector<audio::ClipLabels>>& labels_;
  const CrosslingualOptions& options_;
  Progress& progress_;
  const store::Store& store_;
  ParallelClips clips_test_, clips_learning_;
  ChosenRows learning_, test_;
  OneLabel one_;
  Crosslingual out_;
};

}  // namespace

Crosslingual measure_crosslingual(const std::vector<CrosslingualSae>& saes,
                                  const std::optional<std::vector<audio::ClipLabels>>& labels,
                                  const CrosslingualOptions& options, Progress& progress) {
  if (saes.empty()) throw UserError("--sae", "expected the folder of an SAE, got none");
  return Measurement(saes, labels, options, progress).run();
}

}  // namespace otoscope::features
