#pragma once
/// Private to the room: exact selection among candidates that a scan has left.

#include <cstdint>
#include <vector>

#include "otoscope/kernels/sparse.h"

namespace otoscope::kernels::detail {

/// What is kept of n values when only the `keep` largest may stay: all above `value`, and the first
/// `ties` that equal it.
struct Cut {
  float value = 0;
  int64_t ties = 0;
};

/// values: positive, not NaN; 0 < keep < n. room: (n), overwritten.
Cut cut_small(const float* values, int64_t n, int64_t keep, float* room);

/// The same for many values held in pieces: a radix histogram of their bits, without a sort.
Cut cut_large(const std::vector<std::vector<float>>& pieces, int64_t keep);

/// Copies what the cut keeps of n candidates, in their order; returns how many.
int64_t copy_kept(const int32_t* index, const float* value, int64_t n, Cut cut, int32_t* kept_index,
                  float* kept_value);

/// Room of this thread for one row: candidates, and a copy of their values. Each holds F and
/// kSelectSlack more.
struct Candidates {
  int32_t* index;
  float* value;
  float* room;
  explicit Candidates(int64_t F);
};

/// Rows of at most k entries at b * k become rows without gaps.
void close_gaps(const std::vector<int64_t>& count, int64_t k, SparseRows& out);

inline constexpr int64_t kRowsPerPiece = 16;

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

int64_t total(const std::vector<Piece>& pieces);

/// Keeps the `keep` largest of all values; ties go to the first.
void keep_largest(std::vector<Piece>& pieces, int64_t keep);

/// From the positive values of sampled rows: a value that a quarter more than `wanted` of them lie
/// above, or 0.
float guess_floor(std::vector<Piece> pieces, int64_t wanted);

void join(const std::vector<Piece>& pieces, SparseRows& out);

}  // namespace otoscope::kernels::detail
