#include <cmath>

#include "otoscope/core/threads.h"
#include "sae/arch/arch.h"
#include "sae/arch/dense.h"

namespace otoscope::sae {
namespace {

/// JumpReLU with straight-through gradients of the thresholds (Rajamanoharan et al.,
/// arXiv:2407.14435). K(u) = 1 for |u| < 1/2:
///   d code/d theta = -(theta/eps) K((z - theta)/eps)     d step/d theta = -(1/eps) K(..)
/// The step's estimate is applied to z, not to the code, or half of the kernel is lost.
class JumpRelu : public DenseLoss {
 public:
  using DenseLoss::DenseLoss;
  Activation activation() const override { return Activation::jumprelu; }

 protected:
  void begin(const Sae& sae, Gradients&) override {
    OTO_ASSERT(sae.threshold.size() == sae.F());
    through_codes_.assign(static_cast<size_t>(sae.F()), 0.0);
    inside_.assign(static_cast<size_t>(sae.F()), 0.0);
    open_.assign(static_cast<size_t>(sae.F()), 0.0);
  }

  /// Half a window under the threshold, and what rounding may move it.
  float bound(const Sae& sae, int64_t f) const override {
    const float theta = sae.threshold[f];
    return theta - static_cast<float>(options_.bandwidth / 2 * (1 + 1e-6) + 1e-6 * theta);
  }

  void activate(const Sae& sae, const Slice& s) override {
    parallel_ranges(s.pre.rows(), 16, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        for (int64_t f = 0; f < sae.F(); ++f)
          s.codes.at(b, f) = s.pre.at(b, f) > sae.threshold[f] ? s.pre.at(b, f) : 0.0f;
    });
  }

  void backward(const Sae& sae, const Slice& s, Gradients&) override {
    const auto half = static_cast<float>(options_.bandwidth / 2);
    parallel_ranges(sae.F(), 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = 0; b < s.pre.rows(); ++b)
        for (int64_t f = begin; f < end; ++f) {
          const float z = s.pre.at(b, f), theta = sae.threshold[f];
          const bool open = z > theta;
          s.delta.at(b, f) = open ? s.da.at(b, f) : 0.0f;
          open_[static_cast<size_t>(f)] += open;
          if (std::fabs(z - theta) < half) {
            through_codes_[static_cast<size_t>(f)] += static_cast<double>(s.da.at(b, f)) * theta;
            inside_[static_cast<size_t>(f)] += 1.0;
          }
        }
    });
  }

  void end(const Sae& sae, Gradients& gradients, LossTerms& terms) override {
    double l0 = 0;
    for (const double count : open_) l0 += count / rows_;
    const auto k = static_cast<double>(options_.k);
    double slope = scale_;  // d penalty / d L0
    if (options_.penalty == "l0") {
      terms.sparsity = scale_ * l0;
    } else {
      terms.sparsity = scale_ * (l0 / k - 1) * (l0 / k - 1);
      slope = scale_ * 2 * (l0 / k - 1) / k;
    }
    for (int64_t f = 0; f < sae.F(); ++f) {
      const auto j = static_cast<size_t>(f);
      gradients.threshold[f] = static_cast<float>(
          -(through_codes_[j] + slope / rows_ * inside_[j]) / options_.bandwidth);
    }
  }

 private:
  std::vector<double> through_codes_, inside_, open_;
};

}  // namespace

std::unique_ptr<Loss> make_jumprelu(const LossOptions& options, int64_t) {
  return std::make_unique<JumpRelu>(options);
}

}  // namespace otoscope::sae
