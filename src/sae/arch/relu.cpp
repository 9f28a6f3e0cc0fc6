#include <algorithm>
#include <cmath>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"
#include "sae/arch/arch.h"
#include "sae/arch/dense.h"

namespace otoscope::sae {
namespace {

/// ReLU with L1 (Bricken et al. 2023); with norm_weighted each code costs its decoder row's norm
/// and the rows are free (Anthropic, April 2024).
class Relu : public DenseLoss {
 public:
  using DenseLoss::DenseLoss;
  Activation activation() const override { return Activation::relu; }
  bool unit_norm() const override { return !options_.norm_weighted; }

 protected:
  void begin(const Sae& sae, Gradients&) override {
    norms_.assign(static_cast<size_t>(sae.F()), 1.0);
    sums_.assign(static_cast<size_t>(sae.F()), 0.0);
    if (!options_.norm_weighted) return;
    for (int64_t f = 0; f < sae.F(); ++f)
      norms_[static_cast<size_t>(f)] =
          std::sqrt(kernels::squared_norm({sae.W_dec.view().row(f), {sae.d_out()}}));
  }

  float bound(const Sae&, int64_t) const override { return 0.0f; }

  void activate(const Sae&, const Slice& s) override {
    parallel_ranges(s.pre.size(), 1 << 14, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) s.codes[i] = std::max(s.pre[i], 0.0f);
    });
  }

  void backward(const Sae& sae, const Slice& s, Gradients&) override {
    parallel_ranges(sae.F(), 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = 0; b < s.pre.rows(); ++b)
        for (int64_t f = begin; f < end; ++f) {
          const auto penalty = static_cast<float>(scale_ / rows_ * norms_[static_cast<size_t>(f)]);
          s.delta.at(b, f) = s.codes.at(b, f) > 0 ? s.da.at(b, f) + penalty : 0.0f;
          sums_[static_cast<size_t>(f)] += s.codes.at(b, f);
        }
    });
  }

  void end(const Sae& sae, Gradients& gradients, LossTerms& terms) override {
    for (int64_t f = 0; f < sae.F(); ++f) {
      const double norm = norms_[static_cast<size_t>(f)], sum = sums_[static_cast<size_t>(f)];
      terms.sparsity += scale_ / rows_ * norm * sum;
      if (!options_.norm_weighted || !(norm > 0)) continue;
      const auto factor = static_cast<float>(scale_ / rows_ * sum / norm);
      for (int64_t i = 0; i < sae.d_out(); ++i)
        gradients.W_dec.at(f, i) += factor * sae.W_dec.at(f, i);
    }
  }

 private:
  std::vector<double> norms_, sums_;
};

}  // namespace

std::unique_ptr<Loss> make_relu(const LossOptions& options, int64_t) {
  return std::make_unique<Relu>(options);
}

}  // namespace otoscope::sae
