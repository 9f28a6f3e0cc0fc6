#pragma once
/// Which pre-activations a TopK-like loss keeps, fed by slices of rows so that (B, F) never exists
/// at once.

#include <memory>

#include "otoscope/core/tensor.h"
#include "otoscope/kernels/sparse.h"

namespace otoscope::sae {

class Selector {
 public:
  virtual ~Selector() = default;
  virtual void start(int64_t rows) = 0;
  /// Rows in order. pre: (rows of the slice, F)
  virtual void slice(View<const float> pre) = 0;
  /// The codes, or false: the slices must be fed once more (rare).
  virtual bool finish(SparseRows& codes) = 0;
};

/// The k largest positive entries of every row.
std::unique_ptr<Selector> row_selector(int64_t k);
/// The k * rows largest positive entries of the batch; ties: lower row, then lower index.
std::unique_ptr<Selector> batch_selector(int64_t k);

/// codes += part
void append_rows(const SparseRows& part, SparseRows& codes);

}  // namespace otoscope::sae
