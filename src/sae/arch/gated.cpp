#include <algorithm>
#include <cmath>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"
#include "sae/arch/arch.h"
#include "sae/arch/batch.h"
#include "sae/arch/dense.h"

namespace otoscope::sae {
namespace {

/// Gated (Rajamanoharan et al., arXiv:2404.16014). The gate pi = pre decides, the magnitude
/// m = exp(r) (pi - b_gate) + b_mag tells how much; the gate learns from the L1 of ReLU(pi) and
/// from a second reconstruction by ReLU(pi) through a decoder that this term may not move.
class Gated : public DenseLoss {
 public:
  using DenseLoss::DenseLoss;
  Activation activation() const override { return Activation::gated; }

 protected:
  void begin(const Sae& sae, Gradients& gradients) override {
    const auto F = static_cast<size_t>(sae.F());
    exp_r_.resize(F);
    for (size_t f = 0; f < F; ++f) exp_r_[f] = std::exp(sae.r_mag[static_cast<int64_t>(f)]);
    gate_sum_.assign(F, 0.0), magnitude_sum_.assign(F, 0.0), r_sum_.assign(F, 0.0);
    penalty_ = auxiliary_ = 0;
    fill(gradients.b_mag, 0.0f), fill(gradients.r_mag, 0.0f);
  }

  float magnitude(const Sae& sae, float pi, int64_t f) const {
    return (pi - sae.b_enc[f]) * exp_r_[static_cast<size_t>(f)] + sae.b_mag[f];
  }

  float bound(const Sae&, int64_t) const override { return 0.0f; }

  void activate(const Sae& sae, const Slice& s) override {
    parallel_ranges(s.pre.rows(), 16, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        for (int64_t f = 0; f < sae.F(); ++f) {
          const float pi = s.pre.at(b, f);
          s.codes.at(b, f) = pi > 0 ? std::max(magnitude(sae, pi, f), 0.0f) : 0.0f;
        }
    });
  }

  void backward(const Sae& sae, const Slice& s, Gradients&) override {
    const int64_t n = s.pre.rows(), F = sae.F(), d_out = sae.d_out();
    // h = (2/B)(xhat of ReLU(pi) - y); where dense, delta serves as room for ReLU(pi).
    const View<float> h = shaped(h_, {n, d_out}), through_gate = shaped(through_gate_, {n, F});
    if (s.open != nullptr) {
      gates_ = *s.open;
      for_entries(gates_,
                  [&](size_t e, int64_t b, int64_t f) { gates_.values[e] = s.pre.at(b, f); });
      kernels::sparse_decode(gates_, sae.W_dec, {}, h);
    } else {
      for (int64_t i = 0; i < s.pre.size(); ++i) s.delta[i] = std::max(s.pre[i], 0.0f);
      kernels::gemm({s.delta}, {sae.W_dec.view()}, h);
    }
    for (int64_t b = 0; b < n; ++b)
      for (int64_t i = 0; i < d_out; ++i) {
        const float r = h.at(b, i) + sae.b_dec[i] - s.y.at(b, i);
        auxiliary_ += static_cast<double>(r) * r;
        h.at(b, i) = static_cast<float>(2.0 / rows_) * r;
      }
    if (s.open != nullptr) {
      kernels::sparse_decode_vjp_values(gates_, sae.W_dec, h, values_);
      for_entries(gates_,
                  [&](size_t e, int64_t b, int64_t f) { through_gate.at(b, f) = values_[e]; });
    } else {
      kernels::gemm({h}, kernels::transposed(sae.W_dec.view()), through_gate);
    }
    parallel_ranges(F, 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = 0; b < n; ++b)
        for (int64_t f = begin; f < end; ++f) {
          const auto j = static_cast<size_t>(f);
          const float pi = s.pre.at(b, f);
          if (!(pi > 0)) {
            s.delta.at(b, f) = 0.0f;
            continue;
          }
          const float gate = through_gate.at(b, f) + static_cast<float>(scale_ / rows_);
          const float m = magnitude(sae, pi, f), open = m > 0 ? s.da.at(b, f) : 0.0f;
          s.delta.at(b, f) = gate + open * exp_r_[j];
          gate_sum_[j] += gate, magnitude_sum_[j] += open;
          r_sum_[j] += static_cast<double>(open) * (m - sae.b_mag[f]);
        }
    });
    for (int64_t i = 0; i < s.pre.size(); ++i) penalty_ += std::max(s.pre[i], 0.0f);
  }

  void end(const Sae& sae, Gradients& gradients, LossTerms& terms) override {
    for (int64_t f = 0; f < sae.F(); ++f) {
      const auto j = static_cast<size_t>(f);
      // b_gate reaches the magnitude through pi - b_gate, where it cancels.
      gradients.b_enc[f] = static_cast<float>(gate_sum_[j]);
      gradients.b_mag[f] = static_cast<float>(magnitude_sum_[j]);
      gradients.r_mag[f] = static_cast<float>(r_sum_[j]);
    }
    terms.sparsity = scale_ * penalty_ / rows_;
    terms.auxiliary = auxiliary_ / rows_;
  }

 private:
  SparseRows gates_;  // ReLU(pi) of a sparse slice
  std::vector<float> values_;
  std::vector<float> exp_r_;
  std::vector<double> gate_sum_, magnitude_sum_, r_sum_;
  double penalty_ = 0, auxiliary_ = 0;
  Tensor<float> h_, through_gate_;
};

}  // namespace

std::unique_ptr<Loss> make_gated(const LossOptions& options, int64_t) {
  return std::make_unique<Gated>(options);
}

}  // namespace otoscope::sae
