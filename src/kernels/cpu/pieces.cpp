#include <algorithm>

#include "kernels/cpu/select.h"
#include "otoscope/core/threads.h"

namespace otoscope::kernels::detail {
namespace {

std::vector<std::vector<float>> take_values(std::vector<Piece>& pieces) {
  std::vector<std::vector<float>> values;
  for (Piece& piece : pieces) values.push_back(std::move(piece.value));
  return values;
}

}  // namespace

int64_t total(const std::vector<Piece>& pieces) {
  int64_t n = 0;
  for (const Piece& piece : pieces) n += static_cast<int64_t>(piece.value.size());
  return n;
}

void keep_largest(std::vector<Piece>& pieces, int64_t keep) {
  if (total(pieces) <= keep) return;
  const auto values = take_values(pieces);
  Cut cut = cut_large(values, keep);
  for (size_t p = 0; p < pieces.size(); ++p) {
    Piece kept;
    size_t at = 0;
    for (const int64_t n : pieces[p].count) {
      const size_t before = kept.value.size();
      for (const size_t end = at + static_cast<size_t>(n); at < end; ++at) {
        const float value = values[p][at];
        if (!(value > cut.value || (value == cut.value && cut.ties-- > 0))) continue;
        kept.index.push_back(pieces[p].index[at]);
        kept.value.push_back(value);
      }
      kept.count.push_back(static_cast<int64_t>(kept.value.size() - before));
    }
    pieces[p] = std::move(kept);
  }
}

float guess_floor(std::vector<Piece> pieces, int64_t wanted) {
  wanted += wanted / 4;
  if (total(pieces) <= wanted) return 0;
  return cut_large(take_values(pieces), wanted).value;
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

}  // namespace otoscope::kernels::detail
