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
/// The dead are pulled up by sum ReLU(theta - z) ||d_j|| (Anthropic, January 2025 update).
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
    revival_.clear();
    if (options_.pre_activation == 0) return;
    for (const int32_t f : dead_)
      revival_.push_back(
          {decoder_norm(sae, f), 0, 0, std::vector<double>(static_cast<size_t>(sae.d()))});
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

  void backward(const Sae& sae, const Slice& s, Gradients& gradients) override {
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
    if (!revival_.empty()) pull_up(sae, s, gradients);
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
    for (size_t i = 0; i < revival_.size(); ++i) {
      const int32_t f = dead_[i];
      const Revival& one = revival_[i];
      const double weight = options_.pre_activation / rows_, norm = one.norm;
      terms.auxiliary += weight * norm * one.gap;
      gradients.threshold[f] += static_cast<float>(weight * norm * one.below);
      for (size_t c = 0; c < one.rows.size(); ++c)
        gradients.W_enc.view().row(f)[c] -= static_cast<float>(weight * norm * one.rows[c]);
      for (int64_t c = 0; c < sae.d_out() && norm > 0; ++c)
        gradients.W_dec.at(f, c) +=
            static_cast<float>(weight * one.gap / norm * sae.W_dec.at(f, c));
    }
  }

 private:
  /// Of a dead feature, over the rows where it lies below its threshold.
  struct Revival {
    double norm = 0;            // ||d_j||
    double below = 0, gap = 0;  // how many; by how much, in all
    std::vector<double> rows;   // their sum, centred
  };

  static double decoder_norm(const Sae& sae, int32_t f) {
    double sum = 0;
    for (int64_t i = 0; i < sae.d_out(); ++i)
      sum += static_cast<double>(sae.W_dec.at(f, i)) * sae.W_dec.at(f, i);
    return std::sqrt(sum);
  }

  /// A dead feature lies below its threshold nearly everywhere: all rows less the few others.
  void pull_up(const Sae& sae, const Slice& s, Gradients& gradients) {
    const int64_t n = s.pre.rows(), d = sae.d();
    std::vector<double> all(static_cast<size_t>(d));
    for (int64_t b = 0; b < n; ++b)
      for (int64_t i = 0; i < d; ++i) all[static_cast<size_t>(i)] += s.xc.at(b, i);
    parallel_ranges(static_cast<int64_t>(revival_.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j) {
        const int32_t f = dead_[static_cast<size_t>(j)];
        Revival& one = revival_[static_cast<size_t>(j)];
        double below = 0;
        for (size_t i = 0; i < all.size(); ++i) one.rows[i] += all[i];
        for (int64_t b = 0; b < n; ++b) {
          const double gap = static_cast<double>(sae.threshold[f]) - s.pre.at(b, f);
          if (gap > 0) {
            below += 1, one.gap += gap;
            continue;
          }
          for (int64_t i = 0; i < d; ++i) one.rows[static_cast<size_t>(i)] -= s.xc.at(b, i);
        }
        one.below += below;
        gradients.b_enc[f] -=
            static_cast<float>(options_.pre_activation / rows_ * one.norm * below);
      }
    });
  }

  std::vector<Revival> revival_;
  std::vector<double> through_codes_, inside_, open_;
};

}  // namespace

std::unique_ptr<Loss> make_jumprelu(const LossOptions& options, int64_t) {
  return std::make_unique<JumpRelu>(options);
}

}  // namespace otoscope::sae
