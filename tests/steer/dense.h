#pragma once
/// Operators the slow way: all features of every row in double, straight from the formulas.

#include <algorithm>
#include <cmath>
#include <vector>

#include "otoscope/core/rng.h"
#include "otoscope/sae/sae.h"
#include "otoscope/steer/operator.h"

namespace otoscope::testing {

inline void fill(Tensor<float>& x, uint64_t seed, const char* what, double scale) {
  Rng rng(seed, what);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(scale * rng.normal());
}

/// An SAE of random weights, about a third of whose features fire.
inline sae::Sae random_sae(int64_t d, int64_t F, sae::Activation activation,
                           sae::Normalize normalize = sae::Normalize::none, bool rescale = false) {
  sae::Sae sae;
  sae.W_enc = Tensor<float>(Shape{F, d});
  sae.W_dec = Tensor<float>(Shape{F, d});
  sae.b_enc = Tensor<float>(Shape{F});
  sae.b_dec = Tensor<float>(Shape{d});
  fill(sae.W_enc, 1, "encoder", 1 / std::sqrt(static_cast<double>(d)));
  fill(sae.W_dec, 2, "decoder", 1 / std::sqrt(static_cast<double>(d)));
  fill(sae.b_enc, 3, "bias", .1);
  fill(sae.b_dec, 4, "centre", .1);
  sae.activation = activation;
  sae.normalize = normalize;
  sae.rescale_by_decoder_norm = rescale;
  sae.k = activation == sae::Activation::topk ? 120 : 0;
  if (activation == sae::Activation::jumprelu) {
    sae.threshold = Tensor<float>(Shape{F});
    fill(sae.threshold, 5, "threshold", .3);
    for (int64_t f = 0; f < F; ++f) sae.threshold[f] = std::fabs(sae.threshold[f]);
  }
  if (activation == sae::Activation::gated) {
    sae.b_mag = Tensor<float>(Shape{F});
    sae.r_mag = Tensor<float>(Shape{F});
    fill(sae.b_mag, 6, "magnitude", .1);
    fill(sae.r_mag, 7, "rescale", .1);
  }
  return sae;
}

/// All codes of one row.
inline std::vector<double> dense_codes(const sae::Sae& sae, const float* x, double& multiply) {
  const int64_t d = sae.d(), F = sae.F();
  std::vector<double> in(x, x + d);
  multiply = 1;
  double mean = 0, squares = 0;
  if (sae.normalize == sae::Normalize::layer_norm) {
    for (const double v : in) mean += v / static_cast<double>(d);
    for (const double v : in) squares += (v - mean) * (v - mean);
    multiply = std::sqrt(squares / static_cast<double>(d - 1));
    for (double& v : in) v = (v - mean) / (multiply + 1e-5);
  } else if (sae.normalize == sae::Normalize::constant_norm_rescale) {
    for (const double v : in) squares += v * v;
    multiply = std::sqrt(squares / static_cast<double>(d));
    for (double& v : in) v /= multiply;
  }
  std::vector<double> f(static_cast<size_t>(F)), norm(f.size(), 1.0);
  for (int64_t j = 0; j < F; ++j) {
    double z = 0, n = 0;
    for (int64_t i = 0; i < d; ++i) {
      z += (in[static_cast<size_t>(i)] - (sae.apply_b_dec_to_input ? sae.b_dec[i] : 0.0)) *
           sae.W_enc.at(j, i);
      n += static_cast<double>(sae.W_dec.at(j, i)) * sae.W_dec.at(j, i);
    }
    if (sae.rescale_by_decoder_norm) norm[static_cast<size_t>(j)] = std::sqrt(n);
    double& code = f[static_cast<size_t>(j)];
    switch (sae.activation) {
      case sae::Activation::relu:
        code = std::max(0.0, z + sae.b_enc[j]);
        break;
      case sae::Activation::jumprelu:
        code = z + sae.b_enc[j] > sae.threshold[j] ? std::max(0.0, z + sae.b_enc[j]) : 0;
        break;
      case sae::Activation::topk:
        code = (z + sae.b_enc[j]) * norm[static_cast<size_t>(j)];
        break;
      case sae::Activation::gated:
        code = z + sae.b_enc[j] > 0
                   ? std::max(0.0, z * std::exp(static_cast<double>(sae.r_mag[j])) + sae.b_mag[j])
                   : 0;
        break;
    }
  }
  if (sae.activation == sae::Activation::topk) {
    std::vector<double> sorted = f;
    std::sort(sorted.rbegin(), sorted.rend());
    const double least = sorted[static_cast<size_t>(sae.k - 1)];
    for (double& code : f) code = code >= least ? std::max(0.0, code) : 0;
  }
  return f;
}

/// x' of one row (d), one operator on features, every row in scope. donor: the swap's codes.
inline std::vector<double> dense_edit(const sae::Sae& sae, const steer::Operator& op,
                                      const float* x, const float* donor = nullptr) {
  using steer::Action;
  const int64_t d = sae.d();
  double multiply = 1;
  const std::vector<double> f = dense_codes(sae, x, multiply);
  std::vector<double> edited = f;
  for (size_t i = 0; i < op.features.size(); ++i) {
    const auto j = static_cast<size_t>(op.features[i]);
    const double s = op.strength, u = op.unit_of(i);
    if (op.action == Action::add) edited[j] = f[j] + s * u;
    if (op.action == Action::scale) edited[j] = s * f[j];
    if (op.action == Action::clamp) edited[j] = s * u;
    if (op.action == Action::ablate) edited[j] = (1 - s) * f[j];
    if (op.action == Action::mean) edited[j] = (1 - s) * f[j] + s * u;
    if (op.action == Action::swap) edited[j] = (1 - s) * f[j] + s * donor[i];
    if (op.action == Action::exchange) {
      const size_t p = i % 2 == 0 ? i + 1 : i - 1;
      const auto partner = static_cast<size_t>(op.features[p]);
      edited[j] = (1 - s) * f[j] + s * f[partner] / op.unit_of(p) * u;
    }
  }
  std::vector<double> out(x, x + d);
  for (size_t j = 0; j < f.size(); ++j) {
    double norm = 1;
    if (sae.rescale_by_decoder_norm) {
      norm = 0;
      for (int64_t i = 0; i < d; ++i)
        norm += static_cast<double>(sae.W_dec.at(static_cast<int64_t>(j), i)) *
                sae.W_dec.at(static_cast<int64_t>(j), i);
      norm = std::sqrt(norm);
    }
    for (int64_t i = 0; i < d; ++i)
      out[static_cast<size_t>(i)] +=
          multiply * (edited[j] - f[j]) * sae.W_dec.at(static_cast<int64_t>(j), i) / norm;
  }
  return out;
}

}  // namespace otoscope::testing
