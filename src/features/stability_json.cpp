#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "otoscope/features/directions.h"
#include "otoscope/features/stability.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::features {
namespace {

using io::OrderedJson;
using io::to_json;

constexpr const char* kLevels[3] = {"0.5", "0.7", "0.9"};

OrderedJson levels(const Estimate (&at)[3]) {
  OrderedJson json;
  for (int t = 0; t < 3; ++t) json[kLevels[t]] = to_json(at[t]);
  return json;
}

OrderedJson pair_json(const PairStability& p) {
  OrderedJson json{{"a", p.a},
                   {"b", p.b},
                   {"differs", p.differs},
                   {"live_a", p.live_a},
                   {"live_b", p.live_b},
                   {"mutual", to_json(p.mutual)},
                   {"mutual_at", levels(p.mutual_at)},
                   {"nearest_mean", to_json(p.nearest_mean)},
                   {"nearest_at", levels(p.nearest_at)}};
  json["assigned_at"] = p.assigned ? levels(p.assigned_at) : OrderedJson(nullptr);
  json["pw_mcc"] = p.assigned ? to_json(p.pw_mcc) : OrderedJson(nullptr);
  if (p.covered_a.method.empty()) return json;  // directions without codes
  json["covered_a"] = to_json(p.covered_a);
  json["covered_b"] = to_json(p.covered_b);
  json["covered_same_rows"] = p.covered_same_rows;
  json["covered_chance"] = p.covered_chance;
  return json;
}

/// Mean over all pairs of SAEs; the interval resamples the SAEs: with so few, the t interval over
/// the estimates that leave one out (methods.md §10.2). Two SAEs give none.
OrderedJson over_seeds(const Stability& s,
                       const std::function<double(const PairStability&)>& value) {
  const auto S = static_cast<int64_t>(s.saes.size());
  const auto mean = [&](std::span<const int32_t> times) {
    double sum = 0, weight = 0;
    size_t pair = 0;
    for (size_t i = 0; i < s.saes.size(); ++i)
      for (size_t j = i + 1; j < s.saes.size(); ++j, ++pair) {
        const double w = static_cast<double>(times[i]) * times[j];
        sum += w * value(s.pairs[pair]), weight += w;
      }
    return weight == 0 ? NAN : sum / weight;
  };
  Estimate estimate;
  const std::vector<int32_t> once(s.saes.size(), 1);
  if (S >= 3) {
    estimate = cluster_bootstrap(S, static_cast<int64_t>(s.pairs.size()), mean, s.options.seed);
  } else {
    estimate = {mean(once), NAN, NAN, static_cast<int64_t>(s.pairs.size()), S, "one pair"};
  }
  OrderedJson json = to_json(estimate);
  double least = INFINITY, most = -INFINITY;
  for (const PairStability& p : s.pairs)
    least = std::min(least, value(p)), most = std::max(most, value(p));
  json["least"] = least, json["most"] = most;
  return json;
}

OrderedJson summary_json(const Stability& s) {
  OrderedJson json{{"mutual", over_seeds(s, [](const auto& p) { return p.mutual.value; })}};
  for (int t = 0; t < 3; ++t)
    json["mutual_at"][kLevels[t]] =
        over_seeds(s, [t](const auto& p) { return p.mutual_at[t].value; });
  bool assigned = true;
  for (const PairStability& p : s.pairs) assigned = assigned && p.assigned;
  json["pw_mcc"] =
      assigned ? over_seeds(s, [](const auto& p) { return p.pw_mcc.value; }) : OrderedJson(nullptr);
  json["covered"] =
      over_seeds(s, [](const auto& p) { return (p.covered_a.value + p.covered_b.value) / 2; });
  return json;
}

OrderedJson found_json(const Stability& s, size_t i) {
  const FoundAgain& found = s.found[i];
  std::vector<int64_t> by(s.saes.size() + 1, 0);
  for (size_t f = 0; f < found.seeds.size(); ++f) ++by[static_cast<size_t>(found.seeds[f])];
  int64_t live = 0;
  for (const uint8_t alive : found.live) live += alive;
  return {{"sae", s.saes[i].name},
          {"live", live},
          {"by_seeds", std::vector<int64_t>(by.begin() + 1, by.end())},
          {"in_all", to_json(wilson(by.back(), live))}};
}

}  // namespace

OrderedJson Stability::json() const {
  OrderedJson json{{"schema", "otoscope.stability"},
                   {"version", 1},
                   {"store", store_hash},
                   {"width", width},
                   {"rows", {{"learning", learning_rows}, {"test", test_rows}}},
                   {"clusters", clusters},
                   {"clusters_by", clusters_by}};
  json["saes"] = OrderedJson::array();
  for (const StabilitySae& one : saes)
    json["saes"].push_back({{"name", one.name},
                            {"hash", one.sae->hash},
                            {"architecture", one.sae->architecture},
                            {"site", one.sae->site},
                            {"features", one.sae->F()}});
  json["summary"] = summary_json(*this);
  for (const auto& [key, list] : {std::pair("pairs", &pairs), {"controls", &controls}}) {
    json[key] = OrderedJson::array();
    for (const PairStability& p : *list) json[key].push_back(pair_json(p));
  }
  OrderedJson simulated = OrderedJson::array();
  for (const PairStability& p : nulls) simulated.push_back(pair_json(p));
  const int64_t F = nulls.empty() ? 0 : nulls[0].live_b;
  OrderedJson above;
  for (int t = 0; t < 3; ++t)
    above[kLevels[t]] = random_best_above(width, F, std::stod(kLevels[t]));
  json["nulls"] = {{"closed_form",
                    {{"features", F},
                     {"sd", 1 / std::sqrt(static_cast<double>(width))},
                     {"nearest_mean", random_best_cosine(width, F)},
                     {"nearest_at", above}}},
                   {"simulated", simulated}};
  json["found"] = OrderedJson::array();
  for (size_t i = 0; i < saes.size(); ++i) json["found"].push_back(found_json(*this, i));
  StabilityOptions given = options;
  json["options"] = io::options_to_json(options_of(given));
  json["seed"] = options.seed;
  return json;
}

}  // namespace otoscope::features
