#include "kernels/cpu/select.h"

#include <algorithm>

#include "kernels/cpu/select_table.h"
#include "otoscope/core/isa.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/sparse.h"

namespace otoscope::kernels {

const SelectTable& selection() {
  switch (active_isa()) {
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

/// The rows of one piece of the matrix, before they are joined.
struct Piece {
  std::vector<int64_t> count;  // per row
  std::vector<int32_t> index;
  std::vector<float> value;

  void append(const int32_t* indices, const float* values, int64_t n) {
    count.push_back(n);
    index.insert(index.end(), indices, indices + n);
    value.insert(value.end(), values, values + n);
  }
};

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

void join(const std::vector<Piece>& pieces, SparseRows& out) {
  out.clear();
  std::vector<int64_t> start;
  for (const Piece& piece : pieces) {
    start.push_back(out.indptr.back());
    for (const int64_t n : piece.count) out.indptr.push_back(out.indptr.back() + n);
  }
  out.indices.resize(static_cast<size_t>(out.indptr.back()));
  out.values.resize(out.indices.size());
  parallel_ranges(static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const auto at = static_cast<size_t>(p);
      std::copy(pieces[at].index.begin(), pieces[at].index.end(), out.indices.begin() + start[at]);
      std::copy(pieces[at].value.begin(), pieces[at].value.end(), out.values.begin() + start[at]);
    }
  });
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
  std::vector<std::vector<float>> values;
  int64_t found = 0;
  for (auto& piece : all_above(rows, {&zero, Shape{1}})) {
    found += static_cast<int64_t>(piece.value.size());
    values.push_back(std::move(piece.value));
  }
  const int64_t wanted = sampled * k + sampled * k / 4;
  return found > wanted ? detail::cut_large(values, wanted).value : 0.0f;
}

int64_t total(const std::vector<Piece>& pieces) {
  int64_t n = 0;
  for (const Piece& piece : pieces) n += static_cast<int64_t>(piece.value.size());
  return n;
}

}  // namespace

void batch_top_k(View<const float> pre, int64_t k, SparseRows& out) {
  const int64_t B = pre.shape[0], F = pre.shape[1];
  OTO_ASSERT(k > 0 && k <= F);
  float floor = guess_batch_floor(pre, k);
  auto pieces = all_above(pre, {&floor, Shape{1}});
  if (floor > 0 && total(pieces) < k * B) {
    floor = 0;
    pieces = all_above(pre, {&floor, Shape{1}});
  }
  if (total(pieces) > k * B) {
    std::vector<std::vector<float>> values;
    for (auto& piece : pieces) values.push_back(std::move(piece.value));
    detail::Cut cut = detail::cut_large(values, k * B);
    for (size_t p = 0; p < pieces.size(); ++p) {
      Piece kept;
      int64_t at = 0;
      for (const int64_t n : pieces[p].count) {
        const auto before = kept.value.size();
        for (const int64_t end = at + n; at < end; ++at) {
          const float value = values[p][static_cast<size_t>(at)];
          if (!(value > cut.value || (value == cut.value && cut.ties-- > 0))) continue;
          kept.index.push_back(pieces[p].index[static_cast<size_t>(at)]);
          kept.value.push_back(value);
        }
        kept.count.push_back(static_cast<int64_t>(kept.value.size() - before));
      }
      pieces[p] = std::move(kept);
    }
  }
  join(pieces, out);
}

void above_threshold(View<const float> pre, View<const float> threshold, SparseRows& out) {
  OTO_ASSERT(threshold.size() == pre.shape[1] || threshold.size() == 1);
  join(all_above(pre, threshold), out);
}

}  // namespace otoscope::kernels
