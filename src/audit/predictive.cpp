#include "audit/predictive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::OrderedJson;
using io::to_json;
using steer::Part;

constexpr double kDenseRidges[] = {1e-3, 1e-2, 1e-1, 1};

using ScoreOf = std::function<double(int64_t row)>;

std::vector<std::pair<std::string, ScoreOf>> nuisance_scores(const Gathered& g) {
  const auto loudness = [&g](int64_t r) { return g.all.loudness[static_cast<size_t>(r)]; };
  return {{"length of the clip", [=](int64_t r) { return loudness(r).seconds; }},
          {"level of the clip", [=](int64_t r) { return loudness(r).rms_db; }},
          {"SNR of the clip, level over its noise floor",
           [&g](int64_t r) { return g.snr_db[static_cast<size_t>(r)]; }}};
}

class Predicting {
 public:
  Predicting(Predictive parts, const FeatureSet& set, const Gathered& gathered,
             std::span<const steer::SiteSae> saes, const PredictiveOptions& options)
      : g_(gathered), saes_(saes), options_(options), out_(std::move(parts)) {
    out_.set = set;
  }

  Predictive run(Progress& progress) {
    progress.start("what foretells the failure", 4, "steps");
    choose();
    progress.advance(1);
    std::vector<Row> rows;
    rows.push_back(row(name_of_set(), "features", static_cast<int64_t>(out_.set.features().size()),
                       set_score()));
    rows.push_back(probe());
    progress.advance(2);
    add_baselines(rows);
    progress.advance(3);
    const std::vector<double> random = random_sets();
    progress.finish();
    report(rows, random);
    return std::move(out_);
  }

 private:
  struct Row {
    std::string name, kind;
    int64_t numbers = 1;
    double dev = .5;
    Scored test;
    Score score;
  };

  const Labelled& part(Part p) const { return out_.parts[static_cast<size_t>(p)]; }
  std::vector<double> scores(const Labelled& some, const ScoreOf& score) const {
    std::vector<double> all;
    for (const int64_t r : some.rows) all.push_back(score(r));
    return all;
  }
  Scored scored(const Labelled& some, const ScoreOf& score) const {
    return {scores(some, score), some.positive, some.cluster};
  }
  Row row(std::string name, std::string kind, int64_t numbers, const ScoreOf& score) const {
    const Scored dev = scored(part(Part::dev), score);
    Row r{std::move(name),
          std::move(kind),
          numbers,
          auroc(dev.score, dev.positive),
          scored(part(Part::test), score),
          {}};
    r.score = score_of(r.test, best_threshold(dev), options_.seed, options_.replicates);
    return r;
  }

  void choose() {
    const Scored dev = scored(part(Part::dev), set_score());
    out_.best = best_threshold(dev);
    out_.at_prevalence = prevalence_threshold(dev);
    out_.like = like_sets(g_.all, out_.set, options_.random_sets);
  }
  ScoreOf set_score() const {
    const View<const float> pooled = pooled_of(g_.all, out_.set.sae, out_.set.pool);
    return [pooled, detector = out_.set.detector](int64_t r) {
      return detector.score({pooled.row(r), static_cast<size_t>(pooled.width())});
    };
  }
  std::string name_of_set() const {
    const size_t k = out_.set.features().size();
    const model::Site& site = saes_[out_.set.sae].site;
    return fmt::format("{} feature{} of {}, {} over {}", k, k == 1 ? "" : "s",
                       model::site_name(site), steer::pool_name(out_.set.pool),
                       site.stack == model::Stack::encoder ? "frames" : "places before the text");
  }

  /// Logistic regression on the mean activation at the set's site; its ridge is chosen on dev.
  Row probe() const {
    const View<const float> dense = g_.all.pooled[out_.set.sae].dense.view();
    const int64_t d = dense.width();
    std::vector<double> x;
    for (const int64_t r : part(Part::train).rows)
      for (int64_t i = 0; i < d; ++i) x.push_back(static_cast<double>(dense.at(r, i)));
    const auto by = [&](const steer::Logistic& model) -> ScoreOf {
      return [dense, d, model](int64_t r) {
        double sum = model.bias;
        for (int64_t i = 0; i < d; ++i)
          sum += model.weights[static_cast<size_t>(i)] * static_cast<double>(dense.at(r, i));
        return sum;
      };
    };
    steer::Logistic best;
    double best_dev = -1;
    for (const double ridge : kDenseRidges) {
      throw_if_interrupted();
      const steer::Logistic model = steer::fit_logistic(x, d, part(Part::train).positive, ridge);
      const double dev = auroc(scores(part(Part::dev), by(model)), part(Part::dev).positive);
      if (dev > best_dev) best_dev = dev, best = model;
    }
    return row("dense probe of " + model::site_name(saes_[out_.set.sae].site), "probe", d,
               by(best));
  }

  void add_baselines(std::vector<Row>& rows) const {
    const auto heard = [&](int64_t r) -> const steer::Heard& {
      return g_.all.heard[static_cast<size_t>(r)];
    };
    // A new one goes to the end: records are compared place by place.
    const auto seen = nuisance_scores(g_);
    const std::vector<std::pair<std::string, ScoreOf>> all{
        seen[0],
        seen[1],
        {"no-speech token", [=](int64_t r) { return heard(r).no_speech; }},
        {"mean log-probability of the text", [=](int64_t r) { return heard(r).avg_logprob; }},
        {"compression ratio of the text", [=](int64_t r) { return heard(r).compression; }},
        seen[2]};
    for (const auto& [name, score] : all) {
      // Which way it points is learned on train.
      const ScoreOf plain = score;
      const bool falls = auroc(scores(part(Part::train), plain), part(Part::train).positive) < .5;
      rows.push_back(row(name, "baseline", 1,
                         [plain, falls](int64_t r) { return falls ? -plain(r) : plain(r); }));
    }
  }

  std::vector<double> random_sets() const {
    const View<const float> pooled = pooled_of(g_.all, out_.set.sae, out_.set.pool);
    std::vector<double> found;
    for (const std::vector<int32_t>& features : out_.like) {
      throw_if_interrupted();
      std::vector<steer::RankedFeature> ranked;
      ranked.reserve(features.size());
      for (const int32_t j : features) ranked.push_back({j, .5});
      const auto fitted = steer::fit_features(pooled, part(Part::train).rows,
                                              part(Part::train).positive, ranked, features.size());
      if (fitted.empty()) continue;
      const steer::FeatureDetector& detector = fitted.back();
      found.push_back(auroc(
          scores(part(Part::test),
                 [&](int64_t r) {
                   return detector.score({pooled.row(r), static_cast<size_t>(pooled.width())});
                 }),
          part(Part::test).positive));
    }
    return found;
  }

  /// Mean squared error of sigmoid(score): the set's own probabilities, classes weighted equal in
  /// the fit, so it is shifted by the log odds of train.
  Estimate brier() const {
    const double odds = std::log(static_cast<double>(part(Part::train).positives()) /
                                 static_cast<double>(part(Part::train).negatives()));
    const auto& test = part(Part::test);
    const std::vector<double> raw = scores(test, set_score());
    std::map<std::string, std::pair<double, double>> sums;
    for (size_t i = 0; i < raw.size(); ++i) {
      const double p = 1 / (1 + std::exp(-(raw[i] + odds)));
      auto& [error, n] = sums[test.cluster[i]];
      error += (p - test.positive[i]) * (p - test.positive[i]);
      n += 1;
    }
    std::vector<double> errors, n;
    for (const auto& [name, both] : sums) errors.push_back(both.first), n.push_back(both.second);
    return bootstrap_ratio(errors, n, static_cast<int64_t>(raw.size()), options_.seed,
                           options_.replicates);
  }

  void report(const std::vector<Row>& rows, const std::vector<double>& random) {
    const Labelled& test = part(Part::test);
    const AllPositive yes = all_positive(test.positives(), static_cast<int64_t>(test.rows.size()));
    OrderedJson& json = out_.json;
    json = {{"measured", true}, {"question", "does the clip fail?"}};
    for (const Part p : {Part::train, Part::dev, Part::test})
      json["windows"][std::string(steer::part_name(p))] = {{"positive", part(p).positives()},
                                                           {"negative", part(p).negatives()}};
    Estimate prevalence = wilson(test.positives(), static_cast<int64_t>(test.rows.size()));
    json["prevalence"] = to_json(prevalence);
    json["all_positive"] = {{"f1", yes.f1}, {"precision", yes.precision}, {"mcc", yes.mcc}};
    json["scores"] = OrderedJson::array();
    for (const Row& r : rows)
      json["scores"].push_back({{"name", r.name},
                                {"kind", r.kind},
                                {"numbers", r.numbers},
                                {"dev_auroc", r.dev},
                                {"auroc", to_json(r.score.auroc)},
                                {"ap", to_json(r.score.ap)},
                                {"mcc", to_json(r.score.mcc)},
                                {"threshold", r.score.threshold}});
    json["calibration"] = {{"brier", to_json(brier())},
                           {"brier_of_prevalence", prevalence.value * (1 - prevalence.value)}};
    const double p95 = random.empty() ? 1 : quantile(random, .95);
    json["random_features"] = {{"n", random.size()}, {"p95", p95}, {"auroc", random}};
    const Nuisance nuisance = best_nuisance(g_, out_.parts);
    const Estimate over =
        auroc_difference(rows[0].test, nuisance.test, options_.seed, options_.replicates);
    json["over_nuisance"] = {{"nuisance", nuisance.name}, {"difference", to_json(over)}};
    const Score& score = rows[0].score;
    out_.checks = {
        {"AUROC over one half", score.auroc.low > .5,
         fmt::format("{:.3f} [{:.3f}, {:.3f}]", score.auroc.value, score.auroc.low,
                     score.auroc.high)},
        {"correlation over zero at the threshold from dev", score.mcc.low > 0,
         fmt::format("{:.3f} [{:.3f}, {:.3f}]", score.mcc.value, score.mcc.low, score.mcc.high)},
        {"AUROC over 95 % of sets of like features", random.size() >= 20 && score.auroc.value > p95,
         fmt::format("{:.3f} against {:.3f} of {} sets", score.auroc.value, p95, random.size())},
        {"better than length, level and SNR", over.low > 0,
         fmt::format("{:.3f} [{:.3f}, {:.3f}] over {}", over.value, over.low, over.high,
                     nuisance.name)}};
    json["tests"] = audit::to_json(out_.checks);
  }

  const Gathered& g_;
  std::span<const steer::SiteSae> saes_;
  const PredictiveOptions& options_;
  Predictive out_;
};

}  // namespace

Labelled labelled(const Gathered& gathered, Part part, std::span<const uint8_t> fails) {
  Labelled some;
  for (const int64_t i : gathered.told(part)) {
    const auto at = static_cast<size_t>(i);
    some.rows.push_back(i);
    some.positive.push_back(fails[at]);
    some.cluster.push_back(gathered.cases[at].cluster);
  }
  return some;
}

std::string too_few(const Labelled (&parts)[3]) {
  for (size_t p = 0; p < 3; ++p)
    for (const bool positive : {true, false}) {
      const int64_t n = positive ? parts[p].positives() : parts[p].negatives();
      if (n < kLeastOfClass)
        return fmt::format("{} clips of {} {}, fewer than {}", n,
                           steer::part_name(static_cast<Part>(p)), positive ? "fail" : "pass",
                           kLeastOfClass);
    }
  return "";
}

Predictive parts_of(const Gathered& gathered) {
  Predictive found;
  std::vector<uint8_t> fails;
  for (size_t i = 0; i < gathered.windows.size(); ++i)
    fails.push_back(gathered.fails(static_cast<int64_t>(i)));
  for (const Part part : {Part::train, Part::dev, Part::test})
    found.parts[static_cast<size_t>(part)] = labelled(gathered, part, fails);
  found.why_not = too_few(found.parts);
  if (!found.measured()) found.json = {{"measured", false}, {"why", found.why_not}};
  return found;
}

Predictive predict(Predictive parts, const FeatureSet& set, const Gathered& gathered,
                   std::span<const steer::SiteSae> saes, const PredictiveOptions& options,
                   Progress& progress) {
  OTO_ASSERT(parts.measured());
  return Predicting(std::move(parts), set, gathered, saes, options).run(progress);
}

Nuisance best_nuisance(const Gathered& gathered, const Labelled (&parts)[3]) {
  Nuisance best;
  double best_dev = -1;
  for (const auto& [name, score] : nuisance_scores(gathered)) {
    const auto values = [&, &plain = score](size_t part) {
      std::vector<double> all;
      for (const int64_t row : parts[part].rows) all.push_back(plain(row));
      return all;
    };
    const double sign = auroc(values(0), parts[0].positive) < .5 ? -1 : 1;
    Nuisance one{name, values(1), values(2)};
    for (auto* some : {&one.dev, &one.test})
      for (double& x : *some) x *= sign;
    const double dev = auroc(one.dev, parts[1].positive);
    if (dev > best_dev) best_dev = dev, best = std::move(one);
  }
  return best;
}

}  // namespace otoscope::audit
