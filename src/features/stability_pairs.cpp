#include "features/stability_pairs.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"

namespace otoscope::features {
namespace {

constexpr double kCosines[3] = {0.5, 0.7, 0.9};
constexpr double kCovered = 0.5;

Estimate share(int64_t hits, int64_t of) {
  Estimate estimate = wilson(hits, of);
  estimate.method = "Wilson, over features";
  return estimate;
}

/// Mean over features with an interval that resamples features.
Estimate mean_over_features(std::span<const double> values, uint64_t seed) {
  const std::vector<double> ones(values.size(), 1.0);
  Estimate estimate =
      bootstrap_ratio(values, ones, static_cast<int64_t>(values.size()), seed, 1000);
  estimate.method += ", over features";
  return estimate;
}

void shares_at(std::span<const float> cosine, int64_t of, Estimate (&out)[3]) {
  for (int t = 0; t < 3; ++t)
    out[t] = share(std::count_if(cosine.begin(), cosine.end(),
                                 [&](float c) { return c >= static_cast<float>(kCosines[t]); }),
                   of);
}

void keep_live_partners(const Dictionary& b, BestOverlap& best) {
  for (size_t f = 0; f < best.partner.size(); ++f)
    if (best.partner[f] >= 0 && b.live[static_cast<size_t>(best.partner[f])] == 0)
      best.partner[f] = -1, best.iou[f] = 0;
}

}  // namespace

Dictionary read_dictionary(const StabilitySae& one, const store::Store& store,
                           const ChosenRows& learning, const ChosenRows& test,
                           const StabilityOptions& options, Progress& progress) {
  Dictionary d;
  d.name = one.name;
  d.learning = code_rows(*one.sae, store, learning, "encode " + one.name, progress);
  d.test = code_rows(*one.sae, store, test, "encode " + one.name + ", test", progress);
  const std::vector<int64_t> fired = firing_counts(d.learning, one.sae->F());
  d.live.assign(fired.size(), 0);
  for (size_t f = 0; f < fired.size(); ++f)
    if (fired[f] >= options.least_firings) d.live[f] = 1, d.ids.push_back(static_cast<int64_t>(f));
  if (d.ids.empty())
    throw UserError(one.name,
                    "expected features that fire at least " +
                        std::to_string(options.least_firings) + " times in " +
                        std::to_string(learning.size()) + " rows, got none",
                    "lower --least-firings, or look at the SAE with eval");
  d.directions = unit_directions(one.sae->W_dec, d.ids);
  return d;
}

void PairMeter::match_directions(const Dictionary& a, const Dictionary& b,
                                 PairMeasured& out) const {
  PairStability& s = out.stability;
  const Nearest nearest = nearest_directions(a.directions, b.directions);
  std::vector<float> mutual;
  for (size_t i = 0; i < a.ids.size(); ++i) {
    const auto j = static_cast<size_t>(nearest.of_a[i]);
    const auto fa = static_cast<size_t>(a.ids[i]), fb = static_cast<size_t>(b.ids[j]);
    out.of_a.cosine[fa] = nearest.cosine_a[i];
    if (nearest.of_b[j] != static_cast<int32_t>(i)) continue;
    out.of_a.mutual[fa] = out.of_b.mutual[fb] = 1;
    mutual.push_back(nearest.cosine_a[i]);
  }
  for (size_t j = 0; j < b.ids.size(); ++j)
    out.of_b.cosine[static_cast<size_t>(b.ids[j])] = nearest.cosine_b[j];
  const auto live = static_cast<int64_t>(a.ids.size());
  s.mutual = share(static_cast<int64_t>(mutual.size()), live);
  shares_at(mutual, live, s.mutual_at);
  shares_at(nearest.cosine_a, live, s.nearest_at);
  s.nearest_mean = mean_over_features(
      std::vector<double>(nearest.cosine_a.begin(), nearest.cosine_a.end()), options_.seed);

  if (std::max(a.directions.shape()[0], b.directions.shape()[0]) > options_.most_assigned) return;
  const Assigned assigned = assign_directions(a.directions, b.directions);
  s.assigned = true;
  shares_at(assigned.cosine, live, s.assigned_at);
  std::vector<double> sizes;
  for (size_t i = 0; i < assigned.partner.size(); ++i)
    if (assigned.partner[i] >= 0) sizes.push_back(std::fabs(assigned.cosine[i]));
  s.pw_mcc = mean_over_features(sizes, options_.seed);
}

Estimate PairMeter::coverage(const Dictionary& a, const Dictionary& b,
                             std::vector<float>& iou) const {
  BestOverlap best = best_overlap(a.learning, a.F(), b.learning, b.F());
  keep_live_partners(b, best);
  const auto C = static_cast<int64_t>(test_.clusters.size());
  const PairCounts counts = count_pairs(a.test, a.F(), b.test, best.partner, test_.cluster, C);
  for (const int64_t f : a.ids)
    iou[static_cast<size_t>(f)] = static_cast<float>(counts.iou(static_cast<size_t>(f)));
  const auto covered_share = [&](std::span<const int32_t> times) {
    int64_t covered = 0, fired = 0;
    for (const int64_t f : a.ids) {
      const auto first = static_cast<size_t>(f * C);
      int64_t both = 0, either = 0;
      for (size_t c = 0; c < times.size(); ++c) {
        both += static_cast<int64_t>(times[c]) * counts.both[first + c];
        either += static_cast<int64_t>(times[c]) * counts.either[first + c];
      }
      if (either == 0) continue;  // neither fires here: nothing to compare
      ++fired;
      covered += static_cast<double>(both) > kCovered * static_cast<double>(either);
    }
    return fired == 0 ? NAN : static_cast<double>(covered) / static_cast<double>(fired);
  };
  return cluster_bootstrap(C, static_cast<int64_t>(a.ids.size()), covered_share, options_.seed,
                           500);
}

void PairMeter::match_firing(const Dictionary& a, const Dictionary& b, PairMeasured& out) const {
  out.stability.covered_a = coverage(a, b, out.of_a.iou);
  out.stability.covered_b = coverage(b, a, out.of_b.iou);
  const auto same_rows = [&](const SparseRows& other) {
    BestOverlap best = best_overlap(a.test, a.F(), other, b.F());
    keep_live_partners(b, best);
    int64_t covered = 0;
    for (const int64_t f : a.ids) covered += best.iou[static_cast<size_t>(f)] > kCovered;
    return static_cast<double>(covered) / static_cast<double>(a.ids.size());
  };
  out.stability.covered_same_rows = same_rows(b.test);
  out.stability.covered_chance = same_rows(rotated_rows(b.test, b.test.rows() / 2));
}

PairMeasured PairMeter::measure(const Dictionary& a, const Dictionary& b) const {
  PairMeasured out;
  out.stability.a = a.name, out.stability.b = b.name;
  out.stability.live_a = static_cast<int64_t>(a.ids.size());
  out.stability.live_b = static_cast<int64_t>(b.ids.size());
  for (auto [matched, dictionary] : {std::pair(&out.of_a, &a), {&out.of_b, &b}}) {
    const auto F = static_cast<size_t>(dictionary->F());
    matched->cosine.assign(F, 0);
    matched->mutual.assign(F, 0);
    matched->iou.assign(F, 0);
  }
  match_directions(a, b, out);
  if (a.has_codes() && b.has_codes()) match_firing(a, b, out);
  return out;
}

}  // namespace otoscope::features
