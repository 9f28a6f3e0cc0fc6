#pragma once
/// Rows of an item to one row of a table: means and maxima. Rows may be frames, tokens, patches.

#include <cstdint>
#include <memory>

#include "otoscope/core/progress.h"
#include "otoscope/core/tensor.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::contexts {

/// One line an item: first the means over its rows, then the maxima. Items without rows are zeros.
struct Pooled {
  Tensor<float> features;  // (n, 2 F)
  Tensor<float> firing;    // (n, F): share of rows on which a feature fires
  Tensor<float> raw;       // (n, 2 d)

  Pooled() = default;
  /// n items of zeros; F may be 0 (no SAE).
  Pooled(int64_t n, int64_t F, int64_t d);
};

/// Fills lines of a table. Borrows the SAE, which may be null.
class Pooler {
 public:
  explicit Pooler(const sae::Sae* sae);
  ~Pooler();
  /// rows: (T, d)
  void add(View<const float> rows, int64_t item, Pooled& into) const;

 private:
  std::unique_ptr<sae::Encoder> encoder_;
};

/// (T, p) -> means and maxima (2 p).
void pool_rows(View<const float> rows, float* out);

/// Items of a store, in its order. UserError where the SAE has another width.
Pooled pool_store(const store::Store& store, const sae::Sae* sae,
                  Progress& progress = silent_progress());

}  // namespace otoscope::contexts
