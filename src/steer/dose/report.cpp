#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "otoscope/core/statistics.h"
#include "otoscope/core/text.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"
#include "otoscope/steer/dose.h"
#include "steer/dose/controls_cell.h"

namespace otoscope::steer {
namespace {

using io::OrderedJson;
using io::to_json;

constexpr std::array kRoles{"tested", "rival", "random_feature", "random_direction",
                            "random_principal"};

OrderedJson measures_json(const ResponseMeasures& m) {
  OrderedJson json{{"target", to_json(m.target)},
                   {"target_difference", to_json(m.target_difference)},
                   {"kl", to_json(m.kl)},
                   {"ce_difference", to_json(m.ce_difference)},
                   {"no_speech", to_json(m.no_speech)},
                   {"own_language", to_json(m.own_language)}};
  if (!m.decoded) return json;
  json["wer"] = to_json(m.wer);
  json["wer_difference"] = to_json(m.wer_difference);
  json["cer"] = to_json(m.cer);
  json["empty"] = to_json(m.empty);
  json["empty_difference"] = to_json(m.empty_difference);
  json["looping"] = to_json(m.looping);
  json["tokens"] = to_json(m.length);
  json["guard"] = guard_holds(m);
  return json;
}

/// Slope at 0: between the nearest strengths on both sides, or from 0 to the nearest on one.
double slope_at_zero(const std::vector<double>& s, const std::vector<double>& y) {
  size_t low = s.size(), high = s.size();
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] < 0 && (low == s.size() || s[i] > s[low])) low = i;
    if (s[i] > 0 && (high == s.size() || s[i] < s[high])) high = i;
  }
  if (low == s.size() || high == s.size()) {
    const auto zero = static_cast<size_t>(std::find(s.begin(), s.end(), 0.0) - s.begin());
    if (zero == s.size()) return 0;
    if (low == s.size()) low = zero;
    if (high == s.size()) high = zero;
  }
  return low == high ? 0 : (y[high] - y[low]) / (s[high] - s[low]);
}

OrderedJson arm_json(const DoseRun& run, const Arm& arm, const std::vector<Response>& responses,
                     const eval::ClipChoice& choice, const Target& target,
                     const DoseOptions& options) {
  OrderedJson json{{"name", arm.name}, {"role", kRoles[static_cast<size_t>(arm.role)]}};
  json["operators"] = OrderedJson::array();
  for (const Operator& op : arm.operators) json["operators"].push_back(describe(op));
  json["redirected"] = !arm.redirect.empty();
  json["every"] = arm.every;
  json["points"] = OrderedJson::array();
  std::vector<double> strengths, values;
  for (const Response& r : responses) {
    const ResponseMeasures m = measure(run, r.clips, arm.every, choice, target, options);
    strengths.push_back(r.strength), values.push_back(m.target.value);
    OrderedJson point{{"strength", r.strength},
                      {"gain", r.gain},
                      {"dose", r.dose.relative()},
                      {"rows", r.dose.rows},
                      {"rows_changed", r.dose.changed}};
    point.update(measures_json(m));
    json["points"].push_back(std::move(point));
  }
  if (strengths.size() > 2) {
    json["slope_at_zero"] = slope_at_zero(strengths, values);
    json["monotonicity"] = spearman(strengths, values);
  }
  return json;
}

OrderedJson against_json(const Contest::Against& against, double effect) {
  if (against.effects.empty()) return nullptr;
  return {{"n", against.effects.size()},
          {"effects", against.effects},
          {"p95", against.p95},
          {"p", against.p},
          {"exceeds", std::abs(effect) > against.p95}};
}

}  // namespace

OrderedJson dose_json(const DoseRun& run, std::span<const Arm> arms, const eval::ClipChoice& choice,
                      const Target& target, const DoseOptions& options) {
  OrderedJson json{{"target", target.name()},
                   {"clips", choice.clips.size()},
                   {"clusters", choice.clusters},
                   {"clusters_by", choice.by_speaker ? "speaker" : "prompt"},
                   {"language", options.language}};
  std::vector<Outcome> clean = run.clean;
  json["clean"] = measures_json(measure(run, clean, 1, choice, target, options));
  json["arms"] = OrderedJson::array();
  for (size_t a = 0; a < arms.size(); ++a)
    json["arms"].push_back(arm_json(run, arms[a], run.arms[a], choice, target, options));
  json["contests"] = OrderedJson::array();
  for (const Contest& c : contests(run, arms, choice, target))
    json["contests"].push_back({{"arm", arms[c.arm].name},
                                {"strength", c.strength},
                                {"effect", c.effect},
                                {"random_features", against_json(c.random_features, c.effect)},
                                {"random_directions", against_json(c.random_directions, c.effect)},
                                {"random_principal", against_json(c.random_principal, c.effect)}});
  return json;
}

std::vector<std::vector<std::string>> dose_table(const OrderedJson& json) {
  std::vector<std::vector<std::string>> rows{{"arm", "strength", "dose",
                                              json.at("target").get<std::string>(), "KL", "WER",
                                              "empty", "random 95 %"}};
  for (const OrderedJson& arm : json.at("arms")) {
    const std::string role = arm.at("role");
    if (role != "tested" && role != "rival") continue;
    for (const OrderedJson& p : arm.at("points")) {
      rows.push_back({arm.at("name"), fmt::format("{:g}", p.at("strength").get<double>()),
                      fmt::format("{:.3f}", p.at("dose").get<double>()),
                      io::with_interval(p.at("target"), 3), io::with_interval(p.at("kl"), 3),
                      p.contains("wer") ? io::with_interval(p.at("wer"), 3) : "-",
                      p.contains("empty")
                          ? fmt::format("{:.3f}", p.at("empty").at("value").get<double>())
                          : "-",
                      controls_cell(json, arm, p, 3)});
    }
  }
  return rows;
}

}  // namespace otoscope::steer
