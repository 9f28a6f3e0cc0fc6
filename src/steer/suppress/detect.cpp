#include "otoscope/steer/detect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::steer {
namespace {

constexpr double kRidges[] = {1e-3, 1e-2, 1e-1, 1};
constexpr double kAsGood = .002;  // AUROC on dev within which fewer features win

/// The rows of a question by part, with their labels.
struct SplitRows {
  std::vector<int64_t> rows[3];
  std::vector<uint8_t> positive[3];

  SplitRows(const Question& question, std::span<const SoundWindow> windows) {
    for (size_t i = 0; i < question.rows.size(); ++i) {
      const auto part = static_cast<size_t>(windows[static_cast<size_t>(question.rows[i])].part);
      rows[part].push_back(question.rows[i]);
      positive[part].push_back(question.positive[i]);
    }
  }
  int64_t count(size_t part, uint8_t label) const {
    return std::count_if(positive[part].begin(), positive[part].end(),
                         [&](uint8_t p) { return (p != 0) == (label != 0); });
  }
};

using Score = std::function<double(int64_t row)>;

class Detecting {
 public:
  Detecting(const Question& question, std::span<const SoundWindow> windows,
            const Listened& listened, std::span<const SiteSae> saes, const DetectOptions& options)
      : windows_(windows),
        listened_(listened),
        saes_(saes),
        options_(options),
        parts_(question, windows) {}

  const SplitRows& parts() const { return parts_; }

  double auroc_on(size_t part, const Score& score) const {
    std::vector<double> scores;
    for (const int64_t row : parts_.rows[part]) scores.push_back(score(row));
    return auroc(scores, parts_.positive[part]);
  }

  DetectorRow row_of(std::string name, std::string kind, int64_t numbers,
                     const Score& score) const {
    DetectorRow row{std::move(name), std::move(kind), numbers, auroc_on(1, score), {}};
    std::vector<double> scores;
    std::vector<std::string> clusters;
    for (const int64_t at : parts_.rows[2]) {
      scores.push_back(score(at));
      clusters.push_back(windows_[static_cast<size_t>(at)].cluster);
    }
    row.test =
        auroc_by_cluster(scores, parts_.positive[2], clusters, options_.seed, options_.replicates);
    return row;
  }

  Score score_of(const FoundDetector& found) const {
    const View<const float> pooled = pooled_of(found.sae, found.pool);
    return [pooled, detector = found.detector](int64_t row) {
      return detector.score({pooled.row(row), static_cast<size_t>(pooled.width())});
    };
  }

  /// Features of one SAE with the pool and the number that dev prefers; `labels` of train.
  FoundDetector find(size_t sae, const std::vector<uint8_t>& labels, size_t most,
                     std::vector<FoundDetector>* keep = nullptr) const {
    FoundDetector best;
    best.dev_auroc = -1;
    for (const Pool pool : {Pool::mean, Pool::max}) {
      const View<const float> pooled = pooled_of(sae, pool);
      const auto ranked =
          rank_features(pooled, parts_.rows[0], labels, static_cast<size_t>(options_.candidates));
      const auto sizes = fit_features(pooled, parts_.rows[0], labels, ranked, most);
      std::vector<FoundDetector> found;
      double top = 0;
      for (const FeatureDetector& detector : sizes) {
        found.push_back({sae, pool, detector, 0});
        found.back().dev_auroc = auroc_on(1, score_of(found.back()));
        top = std::max(top, found.back().dev_auroc);
      }
      if (keep != nullptr) keep->insert(keep->end(), found.begin(), found.end());
      const auto smallest = std::find_if(
          found.begin(), found.end(), [&](const auto& f) { return f.dev_auroc >= top - kAsGood; });
      if (smallest != found.end() && smallest->dev_auroc > best.dev_auroc) best = *smallest;
    }
    return best;
  }

  std::string name_of(const FoundDetector& found) const {
    const size_t k = found.detector.features.size();
    return fmt::format("{} feature{} at {}, {}", k, k == 1 ? "" : "s",
                       model::site_name(saes_[found.sae].site), pool_name(found.pool));
  }

  /// Logistic regression on the mean activation; its ridge is chosen on dev.
  DetectorRow probe(size_t sae, std::vector<Logistic>& keep) const {
    const View<const float> dense = listened_.pooled[sae].dense.view();
    const int64_t d = dense.width();
    std::vector<double> x;
    for (const int64_t row : parts_.rows[0])
      for (int64_t i = 0; i < d; ++i) x.push_back(static_cast<double>(dense.at(row, i)));
    Logistic best;
    double best_dev = -1;
    const auto score_by = [&](const Logistic& model) -> Score {
      return [dense, d, model](int64_t row) {
        double sum = model.bias;
        for (int64_t i = 0; i < d; ++i)
          sum += model.weights[static_cast<size_t>(i)] * static_cast<double>(dense.at(row, i));
        return sum;
      };
    };
    for (const double ridge : kRidges) {
      const Logistic model = fit_logistic(x, d, parts_.positive[0], ridge);
      const double dev = auroc_on(1, score_by(model));
      if (dev > best_dev) best_dev = dev, best = model;
    }
    keep.push_back(best);
    return row_of("dense probe at " + model::site_name(saes_[sae].site), "probe", d,
                  score_by(best));
  }

  /// A number that is there without a look inside; train says which way it points.
  DetectorRow baseline(const std::string& name, const Score& score) const {
    const double sign = auroc_on(0, score) < .5 ? -1 : 1;
    return row_of(name, "baseline", 1, [&](int64_t row) { return sign * score(row); });
  }

  /// Train labels permuted over whole sources: what the choice alone would find.
  std::vector<uint8_t> shuffled_labels() const {
    std::map<std::string, std::vector<size_t>> members;
    for (size_t i = 0; i < parts_.rows[0].size(); ++i)
      members[windows_[static_cast<size_t>(parts_.rows[0][i])].cluster].push_back(i);
    std::vector<std::vector<size_t>> groups;
    groups.reserve(members.size());
    for (auto& [name, some] : members) groups.push_back(std::move(some));
    Rng rng(options_.seed, "suppress: shuffled labels");
    const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(groups.size()));
    std::vector<uint8_t> labels(parts_.rows[0].size());
    for (size_t g = 0; g < groups.size(); ++g) {
      const auto& source = groups[static_cast<size_t>(order[g])];
      for (size_t i = 0; i < groups[g].size(); ++i)
        labels[groups[g][i]] = parts_.positive[0][source[i % source.size()]];
    }
    return labels;
  }

 private:
  View<const float> pooled_of(size_t sae, Pool pool) const {
    const Pooled& pooled = listened_.pooled[sae];
    return pool == Pool::mean ? pooled.mean.view() : pooled.max.view();
  }

  std::span<const SoundWindow> windows_;
  const Listened& listened_;
  std::span<const SiteSae> saes_;
  const DetectOptions& options_;
  SplitRows parts_;
};

}  // namespace

Detected detect(const Question& question, std::span<const SoundWindow> windows,
                const Listened& listened, std::span<const SiteSae> saes,
                const DetectOptions& options, Progress& progress) {
  const Detecting detecting(question, windows, listened, saes, options);
  Detected found;
  found.question = question.name;
  for (size_t part = 0; part < 3; ++part) {
    found.positives[part] = detecting.parts().count(part, 1);
    found.negatives[part] = detecting.parts().count(part, 0);
    if (found.positives[part] == 0 || found.negatives[part] == 0)
      found.why_not =
          fmt::format("no window of one class in {}", part_name(static_cast<Part>(part)));
  }
  if (!found.answered()) return found;
  progress.start("detectors: " + question.name, static_cast<int64_t>(saes.size()), "SAEs");
  const auto& labels = detecting.parts().positive[0];
  for (size_t s = 0; s < saes.size(); ++s) {
    throw_if_interrupted();
    const auto most = static_cast<size_t>(options.most_features);
    found.by_sae.push_back(detecting.find(s, labels, most, &found.sizes));
    const FoundDetector& best = found.by_sae.back();
    if (best.detector.features.size() > 1) {
      const FoundDetector one = detecting.find(s, labels, 1);
      found.rows.push_back(
          detecting.row_of(detecting.name_of(one), "features", 1, detecting.score_of(one)));
    }
    found.rows.push_back(detecting.row_of(detecting.name_of(best), "features",
                                          static_cast<int64_t>(best.detector.features.size()),
                                          detecting.score_of(best)));
    found.rows.push_back(detecting.probe(s, found.probes));
    const FoundDetector chance = detecting.find(s, detecting.shuffled_labels(), most);
    found.rows.push_back(detecting.row_of(
        "chosen on shuffled labels at " + model::site_name(saes[s].site), "control",
        static_cast<int64_t>(chance.detector.features.size()), detecting.score_of(chance)));
    progress.advance(static_cast<int64_t>(s) + 1);
  }
  const auto heard = [&](int64_t row) -> const Heard& {
    return listened.heard[static_cast<size_t>(row)];
  };
  found.rows.push_back(detecting.baseline("Whisper's no-speech token",
                                          [&](int64_t row) { return heard(row).no_speech; }));
  found.rows.push_back(detecting.baseline("mean log-probability of the text",
                                          [&](int64_t row) { return heard(row).avg_logprob; }));
  found.rows.push_back(detecting.baseline(
      "loudness", [&](int64_t row) { return listened.loudness[static_cast<size_t>(row)].rms_db; }));
  found.rows.push_back(detecting.baseline("duration", [&](int64_t row) {
    return listened.loudness[static_cast<size_t>(row)].seconds;
  }));
  progress.finish();
  return found;
}

io::OrderedJson Detected::json(std::span<const SiteSae> saes) const {
  io::OrderedJson json{{"question", question}, {"answered", answered()}};
  if (!answered()) json["why_not"] = why_not;
  for (size_t part = 0; part < 3; ++part)
    json["windows"][std::string(part_name(static_cast<Part>(part)))] = {
        {"positive", positives[part]},
        {"negative", negatives[part]},
        {"prevalence", static_cast<double>(positives[part]) /
                           std::max(1.0, static_cast<double>(positives[part] + negatives[part]))}};
  json["detectors"] = io::OrderedJson::array();
  for (const DetectorRow& row : rows)
    json["detectors"].push_back({{"name", row.name},
                                 {"kind", row.kind},
                                 {"numbers", row.numbers},
                                 {"dev", row.dev},
                                 {"auroc", io::to_json(row.test)}});
  json["features"] = io::OrderedJson::array();
  for (const FoundDetector& found : by_sae)
    for (size_t j = 0; j < found.detector.features.size(); ++j)
      json["features"].push_back({{"site", model::site_name(saes[found.sae].site)},
                                  {"pool", pool_name(found.pool)},
                                  {"feature", found.detector.features[j]},
                                  {"weight", found.detector.model.weights[j]}});
  return json;
}

}  // namespace otoscope::steer
