#pragma once
/// What an SAE is trained on: one file per architecture under src/sae/arch, each with its forward
/// and, by hand, its backward (methods.md §2). All losses are sums over d and means over rows, so
/// coefficients do not depend on the batch.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/sae/sae.h"

namespace otoscope::sae {

/// Options of all losses; each architecture reads its own.
struct LossOptions {
  std::string architecture = "batchtopk";
  int64_t k = 32;  // features per row; jumprelu: the L0 that its penalty aims at

  // Several sites (joint.h), batchtopk and topk: groups of features, each with a k and a block of x
  // of its own; blocks of y, of which group s writes s, s+1, …
  int64_t sources = 1, outputs = 1;

  // relu, gated: sparsity * sum of codes; jumprelu: see `penalty`.
  double sparsity = 0.1;
  bool norm_weighted = false;  // relu: codes weighted by decoder norms, decoder free (§2.2 ii)

  // jumprelu (arXiv:2407.14435): "l0": sparsity * L0; "target": sparsity * (L0/k - 1)^2.
  std::string penalty = "target";
  double bandwidth = 1.0;  // of the pseudo-derivatives, the trainer's units, E||x||^2 = d
  // sum of ReLU(threshold - pre) ||d_j|| over the dead (Anthropic, January 2025 update): revives
  // them.
  double pre_activation = 0;

  // matryoshka: prefix widths, ascending, the last is F; and the weight of each prefix's loss.
  std::vector<int64_t> prefixes;
  std::vector<double> prefix_weights;

  // AuxK (arXiv:2406.04093): revives dead features of topk, batchtopk, matryoshka.
  double aux_coefficient = 1.0 / 32;
  int64_t aux_k = 0;           // 0: d_out / 2
  bool aux_rectified = false;  // ReLU on the auxiliary codes (Gao et al.); SAELens: none
};

/// All terms as means over rows, coefficients included.
struct LossTerms {
  double total = 0, reconstruction = 0, sparsity = 0, auxiliary = 0;
  double inner = 0;           // matryoshka: the narrower prefixes
  double squared_error = 0;   // (1/B) sum ||y - xhat||^2 of the whole SAE, unweighted
  double squared_target = 0;  // (1/B) sum ||y - mean of the batch||^2
  double l0 = 0;
};

/// Gradients of the parameters of an Sae, in the same shapes. Of W_enc and W_dec only the rows in
/// `touched` are valid, all others stand for zeros: TopK-like losses never fill the rest.
struct Gradients {
  Tensor<float> W_enc, W_dec, b_enc, b_dec, threshold, b_mag, r_mag;
  Tensor<float> W_skip;          // dense: sum_b g_b x_b^T
  std::vector<int32_t> touched;  // ascending

  explicit Gradients(const Sae& sae);
};

/// What changes from step to step.
struct StepState {
  double sparsity_scale = 1.0;  // warm-up of the sparsity coefficient
  std::vector<int32_t> dead;    // features to revive, ascending
  bool measure = true;          // fill squared_target (one more pass over y)
};

class Loss {
 public:
  virtual ~Loss() = default;
  /// Forward and backward of one batch. x: (B, sources d), y: (B, d_out), both in the trainer's
  /// units. With W_skip (skip transcoders, arXiv:2501.18823) codes explain y - W_skip x.
  virtual LossTerms run(const Sae& sae, View<const float> x, View<const float> y,
                        const StepState& state, Gradients& gradients) = 0;
  /// Which features fired in the last batch: (F) of 0 or 1.
  const std::vector<uint8_t>& fired() const { return fired_; }

  /// Whether decoder rows are kept at unit norm.
  virtual bool unit_norm() const { return true; }
  /// The activation that the trained SAE runs with, before any threshold mode.
  virtual Activation activation() const = 0;
  /// Widths whose reconstructions are trained, ascending; the last is F.
  virtual std::vector<int64_t> prefixes() const { return {}; }

 protected:
  std::vector<uint8_t> fired_;
};

/// UserError for an unknown architecture or options that do not fit F and d.
std::unique_ptr<Loss> make_loss(const LossOptions& options, int64_t d, int64_t d_out, int64_t F);
const std::vector<std::string>& architecture_names();

}  // namespace otoscope::sae
