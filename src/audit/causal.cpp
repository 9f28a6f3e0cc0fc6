#include "audit/causal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::OrderedJson;
using io::to_json;
using steer::Part;

constexpr int64_t kLeastControls = 20;

/// Mean over train windows of the features' mean code over frames with audio.
std::vector<float> train_means(const FeatureSet& set, const Gathered& gathered) {
  const View<const float> mean = pooled_of(gathered.all, set.sae, steer::Pool::mean);
  const std::vector<int64_t> train = gathered.places(Part::train);
  std::vector<float> units;
  for (const int32_t j : set.features()) {
    double sum = 0;
    for (const int64_t i : train) sum += static_cast<double>(mean.at(i, j));
    units.push_back(
        static_cast<float>(sum / std::max<double>(1, static_cast<double>(train.size()))));
  }
  return units;
}

/// Mean over failing train windows of the largest code: what the features look like where it
/// fails.
std::vector<float> failing_levels(const std::vector<int32_t>& features, size_t sae,
                                  const Gathered& gathered) {
  const View<const float> most = pooled_of(gathered.all, sae, steer::Pool::max);
  std::vector<float> units(features.size(), 0);
  double n = 0;
  for (const int64_t i : gathered.told(Part::train)) {
    if (gathered.fails(i) == 0) continue;
    n += 1;
    for (size_t j = 0; j < features.size(); ++j) units[j] += most.at(i, features[j]);
  }
  for (float& unit : units) unit = static_cast<float>(unit / std::max(1.0, n));
  return units;
}

class Intervening {
 public:
  Intervening(const Gathered& gathered, const FailureMode& mode, const Target& target,
              const Laboratory& lab, const CausalOptions& options)
      : g_(gathered), mode_(mode), target_(target), lab_(lab), options_(options) {
    out_.rows = gathered.told(Part::test);
    for (const int64_t i : out_.rows) clean_.push_back(gathered.all.heard[static_cast<size_t>(i)]);
  }

  Causal run(std::span<const steer::SoundWindow> guard, const std::string& guard_data) {
    const FeatureSet& set = target_.set;
    const Arm to_zero = ablation(set, g_, false);
    std::vector<Arm> arms{to_zero, ablation(set, g_, true)};
    for (const double strength : {-1.0, .5, 2.0})
      arms.push_back(ablation(set, g_, false, strength));
    const std::vector<steer::SoundWindow> windows = g_.for_decoder(out_.rows);
    const ArmRun edits = lab_.run(windows, arms, false, "the features taken away");
    std::vector<Arm> like;
    for (const auto& features : target_.like)
      like.push_back(
          {"like features", set.sae, steer::on_features(steer::Action::ablate, features, 1)});
    const std::vector<Arm> controls =
        lab_.equal_doses(windows, to_zero, like, static_cast<size_t>(options_.controls));
    out_.controls = lab_.run(windows, controls, false, "features like them taken away");

    const Paired main = pair(edits.heard[0]);
    OrderedJson& json = out_.json;
    json = {{"measured", true},
            {"set", target_.what + (lab_.saes[set.sae].site.stack == model::Stack::encoder
                                        ? ", at every frame with audio"
                                        : ", at every place of the decoder")},
            {"site", model::site_name(lab_.saes[set.sae].site)},
            {"rate_before", to_json(main.before)},
            {"ablated", arm_json("to zero", 1, edits.dose[0], main)},
            {"mean_ablated",
             arm_json("to the mean over train", 1, edits.dose[1], pair(edits.heard[1]))}};
    add_controls(main);
    json["dose"] = OrderedJson::array();
    const char* names[] = {"twice as strong", "halved", "reversed"};
    const double strengths[] = {-1, .5, 2};
    for (size_t i = 0; i < 3; ++i)
      json["dose"].push_back(
          arm_json(names[i], strengths[i], edits.dose[2 + i], pair(edits.heard[2 + i])));
    json["sufficiency"] = sufficiency();
    json["guard"] = guarded(guard, guard_data);
    json["mediation"] = mediation(main);
    json["tests"] = audit::to_json(out_.checks);
    return std::move(out_);
  }

 private:
  Paired pair(std::span<const steer::Heard> after) const {
    return paired(g_, mode_, out_.rows, clean_, after, options_);
  }
  static OrderedJson arm_json(const std::string& name, double strength, double dose,
                              const Paired& p) {
    return {{"name", name},
            {"strength", strength},
            {"dose", dose},
            {"rate", to_json(p.after)},
            {"difference", to_json(p.difference)}};
  }

  void add_controls(const Paired& main) {
    int64_t reach = 0;
    std::vector<double> sizes;
    for (size_t c = 0; c < out_.controls.heard.size(); ++c) {
      differences_.push_back(pair(out_.controls.heard[c]).difference.value);
      sizes.push_back(std::abs(differences_.back()));
      reach += sizes.back() >= std::abs(main.difference.value) ? 1 : 0;
    }
    const auto n = static_cast<int64_t>(sizes.size());
    const double p95 = n > 0 ? quantile(sizes, .95) : 1;
    const double p = static_cast<double>(1 + reach) / static_cast<double>(1 + n);
    out_.json["controls"] = {
        {"kind",
         "other live features, nearest in log mean level, the same edit at the same mean change"},
        {"n", n},
        {"differences", differences_},
        {"doses", out_.controls.dose},
        {"p95", p95},
        {"p", p}};
    const Estimate& d = main.difference;
    out_.checks = {{"the rate falls without them", d.low > 0,
                    fmt::format("{:.3f} [{:.3f}, {:.3f}]", d.value, d.low, d.high)},
                   {"it falls by more than 95 % of like features move it",
                    n >= kLeastControls && d.value > p95 && p <= .05,
                    fmt::format("{:.3f} against {:.3f} of {}, p {:.3f}", d.value, p95, n, p)}};
  }

  /// Set to what they are where it fails, on clips that do not.
  OrderedJson sufficiency() const {
    std::vector<int64_t> rows;
    for (const int64_t i : out_.rows)
      if (g_.fails(i) == 0) rows.push_back(i);
    if (static_cast<int64_t>(rows.size()) < kLeastOfClass)
      return {{"measured", false},
              {"why", fmt::format("{} test clips do not fail, fewer than {}", rows.size(),
                                  kLeastOfClass)}};
    const FeatureSet& set = target_.set;
    const auto clamp = [&](const std::vector<int32_t>& features) {
      return Arm{"clamp", set.sae,
                 steer::on_features(steer::Action::clamp, features, 1,
                                    failing_levels(features, set.sae, g_))};
    };
    std::vector<Arm> arms{clamp(set.features())};
    if (!target_.like.empty()) arms.push_back(clamp(target_.like.front()));
    const ArmRun run =
        lab_.run(g_.for_decoder(rows), arms, false, "the features set, where it does not fail");
    std::vector<steer::Heard> clean;
    clean.reserve(rows.size());
    for (const int64_t i : rows) clean.push_back(g_.all.heard[static_cast<size_t>(i)]);
    OrderedJson json{{"measured", true}, {"windows", rows.size()}};
    for (size_t a = 0; a < arms.size(); ++a)
      json[a == 0 ? "arm" : "control"] =
          arm_json(a == 0 ? "set to their mean largest value where it fails"
                          : "like features, set the same way",
                   1, run.dose[a], paired(g_, mode_, rows, clean, run.heard[a], options_));
    return json;
  }

  OrderedJson guarded(std::span<const steer::SoundWindow> guard, const std::string& data) const {
    if (guard.empty()) return {{"measured", false}, {"why", "no clips of speech were given"}};
    const std::vector<Arm> arms{ablation(target_.set, g_, false)};
    const ArmRun run = lab_.run(guard, arms, true, "what the edit costs on speech");
    const steer::Guard found =
        steer::guard_of(guard, run.clean, run.heard[0], options_.seed, options_.replicates);
    return {{"measured", true},
            {"data", data},
            {"wer", to_json(found.wer)},
            {"clean_wer", to_json(found.clean_wer)},
            {"rise", to_json(found.rise)},
            {"emptied", to_json(found.emptied)},
            {"changed", found.changed},
            {"clips", found.clips},
            {"words", found.words},
            {"limit", options_.guard_limit},
            {"shown", found.holds(options_.guard_limit)}};
  }

  /// (Z - Z')/Z, only where the fall is real and the controls' is not.
  OrderedJson mediation(const Paired& main) const {
    if (!(main.difference.low > 0) || !(main.before.value > 0) || differences_.empty())
      return nullptr;
    if (quantile(differences_, .025) > 0 || quantile(differences_, .975) < 0) return nullptr;
    return main.difference.value / main.before.value;
  }

  const Gathered& g_;
  const FailureMode& mode_;
  const Target& target_;
  const Laboratory& lab_;
  const CausalOptions& options_;
  std::vector<steer::Heard> clean_;
  std::vector<double> differences_;
  Causal out_;
};

}  // namespace

Arm ablation(const FeatureSet& set, const Gathered& gathered, bool to_mean, double strength) {
  return {to_mean ? "to the mean" : "to zero", set.sae,
          to_mean ? steer::on_features(steer::Action::mean, set.features(), strength,
                                       train_means(set, gathered))
                  : steer::on_features(steer::Action::ablate, set.features(), strength)};
}

Paired paired(const Gathered& gathered, const FailureMode& mode, std::span<const int64_t> rows,
              std::span<const steer::Heard> before, std::span<const steer::Heard> after,
              const CausalOptions& options) {
  OTO_ASSERT(rows.size() == before.size() && rows.size() == after.size());
  std::map<std::string, std::array<double, 3>> sums;
  int64_t n = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    Case one = gathered.cases[static_cast<size_t>(rows[i])];
    const auto fails = [&](const steer::Heard& heard) {
      one.heard = heard;
      return judge(mode, one, options.judging).answer;
    };
    const auto was = fails(before[i]), is = fails(after[i]);
    if (was == Judgement::Answer::error || is == Judgement::Answer::error) continue;
    auto& [a, b, count] = sums[one.cluster];
    a += was == Judgement::Answer::fails ? 1 : 0;
    b += is == Judgement::Answer::fails ? 1 : 0;
    count += 1;
    ++n;
  }
  std::vector<double> a, b, count;
  for (const auto& [cluster, three] : sums) {
    a.push_back(three[0]);
    b.push_back(three[1]);
    count.push_back(three[2]);
  }
  const auto clamped = [](Estimate e) {
    e.low = std::max(e.low, 0.0);
    e.high = std::min(e.high, 1.0);
    return e;
  };
  return {clamped(bootstrap_ratio(a, count, n, options.seed, options.replicates)),
          clamped(bootstrap_ratio(b, count, n, options.seed, options.replicates)),
          bootstrap_paired_ratio(a, b, count, n, options.seed, options.replicates)};
}

Causal intervene(const Gathered& gathered, const FailureMode& mode, const Target& target,
                 const Laboratory& lab, std::span<const steer::SoundWindow> guard,
                 const std::string& guard_data, const CausalOptions& options) {
  if (!target.why_not.empty()) {
    Causal none;
    none.why_not = target.why_not;
    none.json = {{"measured", false}, {"why", none.why_not}};
    return none;
  }
  return Intervening(gathered, mode, target, lab, options).run(guard, guard_data);
}

}  // namespace otoscope::audit
