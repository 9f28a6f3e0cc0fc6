#pragma once
/// Adds rows' codes to a Tally. Split from the pass over the store so that it can be tested by
/// hand.

#include "otoscope/features/evidence.h"
#include "otoscope/kernels/sparse.h"

namespace otoscope::features {

class TallyBuilder {
 public:
  TallyBuilder(const store::Store& store, int64_t F, const EvidenceOptions& options);

  /// codes: rows of the store [first_row, first_row + codes.rows()), all of the split.
  void add(const SparseRows& codes, std::span<const int64_t> rows, const RowFacts& facts);
  Tally finish();

 private:
  const store::Store& store_;
  int64_t F_;
  Tally tally_;
  std::vector<int32_t> cluster_of_item_, language_of_item_;
  std::vector<int32_t> last_item_;     // (F): the item of the present run of rows
  std::vector<int64_t> in_this_item_;  // (F): firings in it
  int64_t audible_rows_ = 0;
  double loudness_sum_ = 0, loudness_squares_ = 0;
  int64_t position_width_ = 1;
};

}  // namespace otoscope::features
