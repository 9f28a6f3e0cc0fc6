#include "otoscope/steer/operator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "steer/edit_row.h"

namespace otoscope::steer {
namespace {

constexpr std::array<std::string_view, kActions> kNames{
    "add",  "scale",    "clamp",         "ablate",          "mean",
    "swap", "exchange", "add_direction", "remove_direction"};
constexpr double kOrthonormal = 1e-3;

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

void check_features(std::string_view where, const Operator& op, int64_t F) {
  const auto name = action_name(op.action);
  if (F == 0)
    throw UserError(where, fmt::format("{} acts on features, and there is no SAE", name),
                    "name the SAE that the features belong to");
  if (op.features.empty())
    throw UserError(where, fmt::format("expected features for {}, got none", name));
  for (const int32_t feature : op.features)
    if (feature < 0 || feature >= F)
      throw UserError(where, fmt::format("expected features 0 to {}, got {}", F - 1, feature),
                      "the SAE has no more");
  if (!op.units.empty() && op.units.size() != op.features.size())
    throw UserError(where, fmt::format("expected one unit a feature, got {} for {}",
                                       op.units.size(), op.features.size()));
  if (!all_finite(op.units)) throw UserError(where, "expected units that are finite");
  if (op.action == Action::exchange) {
    if (op.features.size() % 2 != 0)
      throw UserError(where, fmt::format("expected features in pairs for exchange, got {}",
                                         op.features.size()));
    for (size_t j = 0; j < op.features.size(); ++j)
      if (!(op.unit_of(j) > 0)) throw UserError(where, "expected units over 0 for exchange");
  }
  if (op.action == Action::swap && op.donors.empty())
    throw UserError(where, "expected the codes of another clip for swap, got none");
  for (const auto& [item, donor] : op.donors)
    if (!donor || donor->shape().rank() != 2 ||
        donor->shape()[1] != static_cast<int64_t>(op.features.size()) ||
        !all_finite(donor->view().span()))
      throw UserError(where, fmt::format("expected finite codes of {} features for item {}",
                                         op.features.size(), item));
}

void check_directions(std::string_view where, const Operator& op, int64_t d) {
  if (op.where.firing)
    throw UserError(where, "expected `firing` with features only: a direction does not fire");
  const int64_t r = op.rank;
  const auto n = static_cast<int64_t>(op.directions.size());
  if (n == 0 || r < 1 || n != r * d)
    throw UserError(where,
                    fmt::format("expected directions of width {}, got {} numbers in {}", d, n, r),
                    "the direction belongs to another site or model");
  if (!all_finite(op.directions) || !std::isfinite(op.unit))
    throw UserError(where, "expected directions that are finite");
  if (r > d) throw UserError(where, fmt::format("expected at most {} directions, got {}", d, r));
  const bool basis = op.action == Action::remove_direction;
  for (int64_t i = 0; i < r; ++i)
    for (int64_t j = basis ? 0 : i; j <= i; ++j) {
      const double product = dot(&op.directions[static_cast<size_t>(i * d)],
                                 &op.directions[static_cast<size_t>(j * d)], d);
      if (std::abs(product - (i == j ? 1 : 0)) > kOrthonormal)
        throw UserError(where, fmt::format("expected {} directions, got a product of {:.4g}",
                                           basis ? "orthonormal" : "unit", product));
    }
}

}  // namespace

std::string_view action_name(Action action) { return kNames[static_cast<size_t>(action)]; }

Action action_named(std::string_view where, std::string_view name) {
  const auto* const found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) return static_cast<Action>(found - kNames.begin());
  const std::vector<std::string> all(kNames.begin(), kNames.end());
  throw UserError(where, fmt::format("expected what to do, got {}", name),
                  join(nearest_names(name, all)));
}

double neutral_strength(Action action) {
  if (action == Action::clamp) return std::nan("");
  return action == Action::scale ? 1 : 0;
}

bool Where::holds(int64_t item, int64_t place) const {
  if (place < first || place >= end) return false;
  if (ranges.empty()) return true;
  const auto found = ranges.find(item);
  return found != ranges.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const auto& range) {
           return place >= range.first && place < range.second;
         });
}

float Operator::unit_of(size_t feature) const {
  if (!units.empty()) return units[feature];
  return action == Action::mean ? 0.0F : 1.0F;
}

void check_operator(std::string_view where, const Operator& op, int64_t d, int64_t F) {
  if (!std::isfinite(op.strength)) throw UserError(where, "expected a strength that is finite");
  if (op.where.first < 0 || op.where.end < op.where.first || op.where.first_step < 0 ||
      op.where.end_step < op.where.first_step)
    throw UserError(where, "expected places and steps that do not end before they begin");
  if (uses_features(op.action))
    check_features(where, op, F);
  else
    check_directions(where, op, d);
}

Operator on_features(Action action, std::vector<int32_t> features, double strength,
                     std::vector<float> units) {
  OTO_ASSERT(uses_features(action));
  Operator op;
  op.action = action;
  op.features = std::move(features);
  op.strength = strength;
  op.units = std::move(units);
  return op;
}

Operator add_direction(std::vector<float> v, double strength, double unit) {
  const double norm = std::sqrt(dot(v.data(), v.data(), static_cast<int64_t>(v.size())));
  if (!(norm > 0) || !std::isfinite(norm))
    throw UserError("direction", "expected a direction with a norm over 0");
  for (float& x : v) x = static_cast<float>(static_cast<double>(x) / norm);
  Operator op;
  op.action = Action::add_direction;
  op.directions = std::move(v);
  op.strength = strength;
  op.unit = unit;
  return op;
}

Operator remove_directions(std::span<const std::vector<float>> vs, double strength) {
  Operator op;
  op.action = Action::remove_direction;
  op.strength = strength;
  op.rank = 0;
  for (const std::vector<float>& given : vs) {
    const auto d = static_cast<int64_t>(given.size());
    std::vector<float> v = given;
    const double before = std::sqrt(dot(v.data(), v.data(), d));
    for (int pass = 0; pass < 2; ++pass)
      for (size_t r = 0; r < op.directions.size(); r += given.size()) {
        const double along = dot(v.data(), &op.directions[r], d);
        for (size_t i = 0; i < given.size(); ++i)
          v[i] -= static_cast<float>(along * static_cast<double>(op.directions[r + i]));
      }
    const double norm = std::sqrt(dot(v.data(), v.data(), d));
    if (!(norm > kOrthonormal * before)) continue;  // lies in what is there
    for (const float x : v)
      op.directions.push_back(static_cast<float>(static_cast<double>(x) / norm));
    ++op.rank;
  }
  if (op.directions.empty())
    throw UserError("direction", "expected a direction with a norm over 0");
  return op;
}

std::string describe(const Operator& op) {
  const std::string where = op.where == Where{} ? "" : ", chosen rows";
  if (!uses_features(op.action))
    return fmt::format("{} x {:.4g}{}", action_name(op.action), op.strength, where);
  std::vector<std::string> names;
  for (size_t j = 0; j < std::min<size_t>(op.features.size(), 8); ++j)
    names.push_back(std::to_string(op.features[j]));
  if (op.features.size() > 8) names.push_back(fmt::format("{} more", op.features.size() - 8));
  return fmt::format("{} {} x {:.4g}{}", action_name(op.action), join(names), op.strength, where);
}

}  // namespace otoscope::steer
