#pragma once
/// Everything that claims to explain a row, through one door: SAEs and their controls are measured
/// and spliced by the same code.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "otoscope/kernels/sparse.h"
#include "otoscope/sae/sae.h"

namespace otoscope::eval {

class Reconstructor {
 public:
  virtual ~Reconstructor() = default;
  /// x: (B, d) -> xhat (B, d_out), raw units. Row by row: no row sees another. Where there are
  /// features, `codes` gets the B sparse rows, else B empty ones.
  virtual void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const = 0;
  virtual int64_t d_out() const = 0;
  /// Number of features, 0 where there is no sparse code.
  virtual int64_t features() const { return 0; }
  /// ||d_j|| of each feature: L1 is measured in units of the output.
  virtual std::span<const float> decoder_norms() const { return {}; }
  /// Numbers kept per row where there is no sparse code (PCA: its components).
  virtual int64_t dense_size() const { return 0; }
};

/// An SAE as saved: threshold mode unless its file says top-k. Borrows the Sae.
class SaeReconstructor : public Reconstructor {
 public:
  explicit SaeReconstructor(const sae::Sae& sae);
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override;
  int64_t d_out() const override { return sae_.d_out(); }
  int64_t features() const override { return sae_.F(); }
  std::span<const float> decoder_norms() const override { return norms_; }

 private:
  const sae::Sae& sae_;
  sae::Encoder encoder_;
  std::vector<float> norms_;
};

/// xhat = c for every row: the mean predictor, and zero and mean ablation.
class ConstantReconstructor : public Reconstructor {
 public:
  explicit ConstantReconstructor(std::vector<float> value) : value_(std::move(value)) {}
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override;
  int64_t d_out() const override { return static_cast<int64_t>(value_.size()); }

 private:
  std::vector<float> value_;
};

/// xhat = x: what a perfect SAE would do. For self-tests.
class IdentityReconstructor : public Reconstructor {
 public:
  explicit IdentityReconstructor(int64_t d) : d_(d) {}
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override;
  int64_t d_out() const override { return d_; }
  int64_t dense_size() const override { return d_; }

 private:
  int64_t d_;
};

/// B rows without entries.
void empty_rows(int64_t B, SparseRows& codes);

}  // namespace otoscope::eval
