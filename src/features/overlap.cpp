#include "otoscope/features/overlap.h"

#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {

BestOverlap best_overlap(const SparseRows& a, int64_t Fa, const SparseRows& b, int64_t Fb) {
  OTO_ASSERT(a.rows() == b.rows());
  std::vector<int64_t> fired_b(static_cast<size_t>(Fb), 0);
  for (const int32_t j : b.indices) ++fired_b[static_cast<size_t>(j)];
  const kernels::SparseColumns columns = kernels::transpose(a, Fa);

  BestOverlap best;
  best.partner.assign(static_cast<size_t>(Fa), -1);
  best.iou.assign(static_cast<size_t>(Fa), 0);
  parallel_ranges(Fa, 16, [&](int64_t begin, int64_t end) {
    std::vector<int64_t> both(static_cast<size_t>(Fb), 0);
    std::vector<int32_t> touched;
    for (int64_t f = begin; f < end; ++f) {
      const auto feature = static_cast<size_t>(f);
      touched.clear();
      for (int64_t e = columns.indptr[feature]; e < columns.indptr[feature + 1]; ++e) {
        const auto row = static_cast<size_t>(columns.rows[static_cast<size_t>(e)]);
        for (int64_t i = b.indptr[row]; i < b.indptr[row + 1]; ++i) {
          const int32_t j = b.indices[static_cast<size_t>(i)];
          if (both[static_cast<size_t>(j)]++ == 0) touched.push_back(j);
        }
      }
      const int64_t fired = columns.indptr[feature + 1] - columns.indptr[feature];
      for (const int32_t j : touched) {
        const int64_t shared = both[static_cast<size_t>(j)];
        const double iou = static_cast<double>(shared) /
                           static_cast<double>(fired + fired_b[static_cast<size_t>(j)] - shared);
        const bool lower = iou == best.iou[feature] && j < best.partner[feature];
        if (iou > best.iou[feature] || lower) best.iou[feature] = iou, best.partner[feature] = j;
        both[static_cast<size_t>(j)] = 0;
      }
    }
  });
  return best;
}

double PairCounts::iou(size_t pair) const {
  int64_t shared = 0, all = 0;
  for (int64_t c = 0; c < clusters; ++c) {
    shared += both[pair * static_cast<size_t>(clusters) + static_cast<size_t>(c)];
    all += either[pair * static_cast<size_t>(clusters) + static_cast<size_t>(c)];
  }
  return all == 0 ? 0.0 : static_cast<double>(shared) / static_cast<double>(all);
}

PairCounts count_pairs(const SparseRows& a, int64_t Fa, const SparseRows& b,
                       std::span<const int32_t> partner, std::span<const int32_t> cluster,
                       int64_t clusters) {
  OTO_ASSERT(a.rows() == b.rows() && static_cast<int64_t>(cluster.size()) == a.rows() &&
             static_cast<int64_t>(partner.size()) == Fa);
  PairCounts counts;
  counts.clusters = clusters;
  counts.both.assign(static_cast<size_t>(Fa * clusters), 0);
  counts.either = counts.both;
  // Features of a by the partner they have: a partner's firing counts for each of them.
  int64_t Fb = 0;
  for (const int32_t j : partner) Fb = std::max<int64_t>(Fb, j + 1);
  std::vector<std::vector<int32_t>> wanted_by(static_cast<size_t>(Fb));
  for (size_t i = 0; i < partner.size(); ++i)
    if (partner[i] >= 0)
      wanted_by[static_cast<size_t>(partner[i])].push_back(static_cast<int32_t>(i));

  for (int64_t row = 0; row < a.rows(); ++row) {
    const auto r = static_cast<size_t>(row);
    const auto cell = [&](int32_t pair) {
      return static_cast<size_t>(pair) * static_cast<size_t>(clusters) +
             static_cast<size_t>(cluster[r]);
    };
    const auto begin = a.indices.begin() + a.indptr[r], end = a.indices.begin() + a.indptr[r + 1];
    for (auto i = begin; i != end; ++i) ++counts.either[cell(*i)];
    for (int64_t e = b.indptr[r]; e < b.indptr[r + 1]; ++e) {
      const int32_t j = b.indices[static_cast<size_t>(e)];
      if (j >= Fb) continue;
      for (const int32_t i : wanted_by[static_cast<size_t>(j)]) {
        if (std::binary_search(begin, end, i))
          ++counts.both[cell(i)];
        else
          ++counts.either[cell(i)];
      }
    }
  }
  return counts;
}

SparseRows rotated_rows(const SparseRows& codes, int64_t by) {
  const int64_t n = codes.rows();
  SparseRows moved;
  for (int64_t row = 0; row < n; ++row) {
    const auto from = static_cast<size_t>(((row - by) % n + n) % n);
    const int64_t begin = codes.indptr[from], end = codes.indptr[from + 1];
    moved.indices.insert(moved.indices.end(), codes.indices.begin() + begin,
                         codes.indices.begin() + end);
    moved.values.insert(moved.values.end(), codes.values.begin() + begin,
                        codes.values.begin() + end);
    moved.indptr.push_back(moved.nnz());
  }
  return moved;
}

}  // namespace otoscope::features
