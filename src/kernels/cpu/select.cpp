#include "kernels/cpu/select.h"

#include <algorithm>

#include "kernels/cpu/select_table.h"
#include "otoscope/core/isa.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/sparse.h"

namespace otoscope::kernels {

const SelectTable& selection() {
  switch (active_isa()) {
    case Isa::amx:
    case Isa::avx512:
      return avx512::kSelect;
    case Isa::avx2:
      return avx2::kSelect;
    case Isa::scalar:
      break;
  }
  return scalar::kSelect;
}

namespace {

using detail::Candidates;
using detail::kRowsPerPiece;
using detail::Piece;

std::vector<Piece> all_above(View<const float> pre, View<const float> threshold) {
  const int64_t B = pre.shape[0], F = pre.shape[1];
  std::vector<Piece> pieces(static_cast<size_t>((B + kRowsPerPiece - 1) / kRowsPerPiece));
  const auto above = selection().above;
  const bool shared = threshold.size() == 1;
  parallel_ranges(B, kRowsPerPiece, [&](int64_t piece, int64_t begin, int64_t end) {
    const Candidates found(F);
    for (int64_t b = begin; b < end; ++b) {
      const int64_t n = above(pre.row(b), F, threshold.data, shared, found.index, found.value);
      pieces[static_cast<size_t>(piece)].append(found.index, found.value, n);
    }
  });
  return pieces;
}

}  // namespace

void top_k(View<const float> pre, int64_t k, SparseRows& out) {
  const int64_t B = pre.shape[0], F = pre.shape[1];
  OTO_ASSERT(k > 0 && k <= F);
  const auto& scan = selection();
  std::vector<int64_t> count(static_cast<size_t>(B));
  out.clear();
  out.indices.resize(static_cast<size_t>(B * k));
  out.values.resize(out.indices.size());
  parallel_ranges(B, kRowsPerPiece, [&](int64_t begin, int64_t end) {
    const Candidates found(F);
    for (int64_t b = begin; b < end; ++b) {
      const float floor = scan.floor_of_top(pre.row(b), F, k, found.room);
      const int64_t n = scan.above(pre.row(b), F, &floor, true, found.index, found.value);
      const detail::Cut cut =
          n > k ? detail::cut_small(found.value, n, k, found.room) : detail::Cut{};
      count[static_cast<size_t>(b)] = copy_kept(
          found.index, found.value, n, cut, out.indices.data() + b * k, out.values.data() + b * k);
    }
  });
  detail::close_gaps(count, k, out);
}

namespace {

/// A guess at what the k*B largest entries lie above, from 64 rows spread over the matrix: low
/// enough to be right nearly always, and the caller counts.
float guess_batch_floor(View<const float> pre, int64_t k) {
  const int64_t B = pre.shape[0], F = pre.shape[1], sampled = 64;
  if (B < 4 * sampled) return 0;
  Tensor<float> rows = Tensor<float>::uninitialized(Shape{sampled, F});
  for (int64_t s = 0; s < sampled; ++s)
    std::copy_n(pre.row(s * B / sampled), F, rows.data() + s * F);
  const float zero = 0;
  return detail::guess_floor(all_above(rows, {&zero, Shape{1}}), sampled * k);
}

}  // namespace

void batch_top_k(View<const float> pre, int64_t k, SparseRows& out) {
  const int64_t B = pre.shape[0], F = pre.shape[1];
  OTO_ASSERT(k > 0 && k <= F);
  float floor = guess_batch_floor(pre, k);
  auto pieces = all_above(pre, {&floor, Shape{1}});
  if (floor > 0 && detail::total(pieces) < k * B) {
    floor = 0;
    pieces = all_above(pre, {&floor, Shape{1}});
  }
  detail::keep_largest(pieces, k * B);
  detail::join(pieces, out);
}

void above_threshold(View<const float> pre, View<const float> threshold, SparseRows& out) {
  OTO_ASSERT(threshold.size() == pre.shape[1] || threshold.size() == 1);
  detail::join(all_above(pre, threshold), out);
}

}  // namespace otoscope::kernels
