#include <algorithm>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/sparse.h"

namespace otoscope::kernels {
namespace {

/// Joins rows that were found apart: kept[b] holds the indices of row b, ascending.
void gather(View<const float> pre, const std::vector<std::vector<int32_t>>& kept, SparseRows& out) {
  out.clear();
  for (int64_t b = 0; b < pre.shape[0]; ++b) {
    for (const int32_t j : kept[b]) {
      out.indices.push_back(j);
      out.values.push_back(pre.at(b, j));
    }
    out.indptr.push_back(out.nnz());
  }
}

}  // namespace

void top_k(View<const float> pre, int64_t k, SparseRows& out) {
  const int64_t B = pre.shape[0], F = pre.shape[1];
  OTO_ASSERT(k > 0 && k <= F);
  std::vector<std::vector<int32_t>> kept(static_cast<size_t>(B));
  parallel_ranges(B, 16, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const float* row = pre.row(b);
      auto& mine = kept[b];
      for (int64_t j = 0; j < F; ++j)
        if (row[j] > 0) mine.push_back(static_cast<int32_t>(j));
      if (static_cast<int64_t>(mine.size()) <= k) continue;
      std::nth_element(mine.begin(), mine.begin() + k, mine.end(), [&](int32_t i, int32_t j) {
        return row[i] != row[j] ? row[i] > row[j] : i < j;
      });
      mine.resize(static_cast<size_t>(k));
      std::sort(mine.begin(), mine.end());
    }
  });
  gather(pre, kept, out);
}

void batch_top_k(View<const float> pre, int64_t k, SparseRows& out) {
  const int64_t B = pre.shape[0], F = pre.shape[1];
  OTO_ASSERT(k > 0 && k <= F);
  std::vector<int64_t> mine;
  for (int64_t i = 0; i < pre.size(); ++i)
    if (pre.data[i] > 0) mine.push_back(i);
  if (static_cast<int64_t>(mine.size()) > k * B) {
    std::nth_element(mine.begin(), mine.begin() + k * B, mine.end(), [&](int64_t i, int64_t j) {
      return pre.data[i] != pre.data[j] ? pre.data[i] > pre.data[j] : i < j;
    });
    mine.resize(static_cast<size_t>(k * B));
    std::sort(mine.begin(), mine.end());
  }
  std::vector<std::vector<int32_t>> kept(static_cast<size_t>(B));
  for (const int64_t i : mine) kept[i / F].push_back(static_cast<int32_t>(i % F));
  gather(pre, kept, out);
}

void above_threshold(View<const float> pre, View<const float> threshold, SparseRows& out) {
  const int64_t B = pre.shape[0], F = pre.shape[1];
  OTO_ASSERT(threshold.size() == F || threshold.size() == 1);
  const bool shared = threshold.size() == 1;
  std::vector<std::vector<int32_t>> kept(static_cast<size_t>(B));
  parallel_ranges(B, 16, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t j = 0; j < F; ++j)
        if (pre.at(b, j) > 0 && pre.at(b, j) > threshold.data[shared ? 0 : j])
          kept[b].push_back(static_cast<int32_t>(j));
  });
  gather(pre, kept, out);
}

}  // namespace otoscope::kernels
