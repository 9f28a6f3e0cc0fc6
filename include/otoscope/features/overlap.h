#pragma once
/// Which features fire together: intersection over union of firing sets, chi(a, b) = |a and b| /
/// |a or b| over rows (AudioSAE; methods.md §3.6).

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/kernels/sparse.h"

namespace otoscope::features {

/// For each feature of `a` the feature of `b` with the largest IoU over the rows, -1 where it never
/// fires beside any. Ties go to the lower index.
struct BestOverlap {
  std::vector<int32_t> partner;  // (Fa)
  std::vector<double> iou;       // (Fa), 0 without a partner
};
/// a and b are codes of the same rows. Costs about the codes of a times the codes of a row of b.
BestOverlap best_overlap(const SparseRows& a, int64_t Fa, const SparseRows& b, int64_t Fb);

/// Counts of given pairs by cluster, so that their IoU can be had on any multiset of clusters.
struct PairCounts {
  int64_t clusters = 0;
  std::vector<int32_t> both, either;  // (pairs, clusters)

  double iou(size_t pair) const;
};
/// Pair i is (i, partner[i]); partner -1 counts firings of i alone.
PairCounts count_pairs(const SparseRows& a, int64_t Fa, const SparseRows& b,
                       std::span<const int32_t> partner, std::span<const int32_t> cluster,
                       int64_t clusters);

/// The same codes with their rows moved on by `by`, the last ones to the front: keeps what
/// neighbouring rows share, and breaks every pairing with another code. For nulls.
SparseRows rotated_rows(const SparseRows& codes, int64_t by);

}  // namespace otoscope::features
