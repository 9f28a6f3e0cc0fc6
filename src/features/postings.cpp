#include "otoscope/features/postings.h"

#include "otoscope/core/errors.h"

namespace otoscope::features {

Postings::Postings(const SparseRows& codes, int64_t F) {
  indptr_.assign(static_cast<size_t>(F) + 1, 0);
  for (size_t e = 0; e < codes.indices.size(); ++e) {
    OTO_ASSERT(codes.indices[e] >= 0 && codes.indices[e] < F);
    if (codes.values[e] > 0) ++indptr_[static_cast<size_t>(codes.indices[e]) + 1];
  }
  for (size_t f = 0; f < static_cast<size_t>(F); ++f) indptr_[f + 1] += indptr_[f];
  rows_.resize(static_cast<size_t>(indptr_.back()));
  values_.resize(rows_.size());
  std::vector<int64_t> next(indptr_.begin(), indptr_.end() - 1);
  for (int64_t row = 0; row < codes.rows(); ++row) {
    const auto r = static_cast<size_t>(row);
    for (int64_t e = codes.indptr[r]; e < codes.indptr[r + 1]; ++e) {
      const auto entry = static_cast<size_t>(e);
      if (!(codes.values[entry] > 0)) continue;
      const auto place = static_cast<size_t>(next[static_cast<size_t>(codes.indices[entry])]++);
      rows_[place] = static_cast<int32_t>(row);
      values_[place] = codes.values[entry];
    }
  }
}

}  // namespace otoscope::features
