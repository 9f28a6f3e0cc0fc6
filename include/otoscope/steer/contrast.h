#pragma once
/// Features and the direction that tell two kinds of clips apart, on training clips (methods.md
/// §5.2): what steering from one to the other starts from.

#include <cstdint>
#include <functional>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/eval/pca.h"
#include "otoscope/sae/sae.h"
#include "otoscope/steer/dose.h"
#include "otoscope/steer/scales.h"
#include "otoscope/store/store.h"

namespace otoscope::steer {

struct Contrast {
  int64_t items[2] = {0, 0};
  /// Live features by falling |t|: Welch's t of the items' mean codes, `toward` minus `from`.
  std::vector<int32_t> features;
  std::vector<double> t;
  std::vector<float> shift;      // mean code toward minus from, by feature, in the same order
  std::vector<float> direction;  // (d): mean row toward minus from ("difference of means")
};

/// side: 0 from, 1 toward, -1 neither. Items of the split; at most `most_items` a side, the first
/// by hash of their id. UserError where a side has fewer than two.
Contrast contrast(const sae::Sae& sae, const store::Store& store, store::Split split,
                  const std::function<int(const store::Item&)>& side, int64_t most_items = 200,
                  Progress& progress = silent_progress());

/// Arms that move the `k` first features by their shift (strength 1: the whole difference of their
/// means), and the difference of means itself.
Operator shift_features(const Contrast& contrast, int k);
Operator shift_direction(const Contrast& contrast);

/// `count` sets as large as `op.features`, each feature in place of one that is matched to it
/// (matched_features), none twice in a set where enough are live; units go with the place.
std::vector<Operator> matched_operators(const Operator& op, const Scales& scales, int count,
                                        uint64_t seed);
/// Control arms for arm `of` of `arms`, at the strengths given: `count` matched features at the
/// same dose (none where the arm names no features), and `count` random directions at the same dose
/// in every row; with `pca` as many within its first kPrincipal components.
void add_controls(std::vector<Arm>& arms, size_t of, std::vector<double> strengths, int count,
                  int every, const Scales& scales, int64_t d, uint64_t seed,
                  const eval::Pca* pca = nullptr);
inline constexpr int kPrincipal = 32;

}  // namespace otoscope::steer
