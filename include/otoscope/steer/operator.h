#pragma once
/// What may be done to an activation x (d) at a site (methods.md §5.1), on features of an SAE or on
/// bare directions. Units: see `Operator`. The hook that applies operators: steer/hook.h.

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::steer {

/// s: the strength, u_j: the feature's unit, f_j: its code at this row, as selected by the SAE.
enum class Action : uint8_t {
  add,               // f_j + s u_j
  scale,             // s f_j: 0 ablates, 1 leaves alone, -1 flips, 2 doubles
  clamp,             // s u_j
  ablate,            // (1 - s) f_j: 1 ablates to zero
  mean,              // f_j + s (u_j - f_j), u_j the mean over reference rows: 1 ablates to the mean
  swap,              // f_j + s (g_j - f_j), g_j the code of another clip's row: 1 takes it over
  exchange,          // features in pairs a, b: each takes s of the other's, in its own units
  add_direction,     // x + s u sum_r v_r, rows v_r of unit norm
  remove_direction,  // x - s (x V^T) V, V (r, d) with orthonormal rows
};
inline constexpr int kActions = static_cast<int>(Action::remove_direction) + 1;

/// "add", "scale", …, "add_direction": the spelling in recipes and options.
std::string_view action_name(Action action);
/// UserError "[where] …" with the nearest names.
Action action_named(std::string_view where, std::string_view name);
inline bool uses_features(Action action) { return action < Action::add_direction; }
/// The strength at which nothing changes: 1 for scale, 0 for the others. Clamp has none (NaN).
double neutral_strength(Action action);

inline constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();

/// Which rows. A row's place counts from the beginning of its sequence: frames of the window, or
/// tokens with their prompt, teacher-forced and cached alike.
struct Where {
  bool padding = false;             // also frames that carry no audio
  bool firing = false;              // only rows where one of the operator's features fires
  int64_t first = 0, end = kNoEnd;  // places [first, end)
  int64_t first_step = 0, end_step = kNoEnd;  // cached decoding: steps [first, end), 0 = the prompt
  /// By Rows.item, places [first, second). If there are any, other items are left alone.
  std::map<int64_t, std::vector<std::pair<int64_t, int64_t>>> ranges;

  bool holds(int64_t item, int64_t place) const;
  bool operator==(const Where&) const = default;
};

struct Operator {
  Action action = Action::add;
  double strength = 0;

  // On features.
  std::vector<int32_t> features;
  /// One a feature, in the SAE's own units. add, clamp, exchange: the 99th percentile of positive
  /// f_j; mean: its mean over rows. Empty: 1 for all (0 for mean).
  std::vector<float> units;
  /// swap: by Rows.item, the other clip's codes (its places, features.size()); past its end and for
  /// items not named the row is left alone.
  std::map<int64_t, std::shared_ptr<const Tensor<float>>> donors;

  // On directions.
  std::vector<float> directions;  // (rank, d) row by row
  int64_t rank = 1;
  double unit = 1;  // add_direction: the median norm of rows at the site

  Where where;

  float unit_of(size_t feature) const;
};

/// Lengths, features within [0, F), unit or orthonormal directions of width d (to 1e-3), finite
/// numbers: UserError "[where] …". F: 0 where there is no SAE.
void check_operator(std::string_view where, const Operator& op, int64_t d, int64_t F);

// The usual ones.
Operator on_features(Action action, std::vector<int32_t> features, double strength,
                     std::vector<float> units = {});
/// The direction is brought to unit norm; UserError if it is zero or not finite.
Operator add_direction(std::vector<float> v, double strength, double unit);
/// vs: directions of width d, brought to an orthonormal basis (Gram-Schmidt, twice); dependent ones
/// are dropped.
Operator remove_directions(std::span<const std::vector<float>> vs, double strength = 1);

/// One line for people: "clamp 12, 40 to 2 x p99".
std::string describe(const Operator& op);

}  // namespace otoscope::steer
