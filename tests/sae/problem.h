#pragma once
/// Small random problems for the losses, in the reference's form and in the library's.

#include <string>
#include <vector>

#include "otoscope/core/rng.h"
#include "otoscope/sae/loss.h"
#include "sae/reference.h"

namespace otoscope::testing {

template <class T>
struct Problem {
  sae::reference::Parameters<T> p;
  sae::LossOptions options;
  sae::StepState state;
  std::vector<T> x, y;
  int64_t B = 0;
};

template <class T>
std::vector<T> normals(Rng& rng, int64_t n, double scale) {
  std::vector<T> v(static_cast<size_t>(n));
  for (T& value : v) value = static_cast<T>(scale * rng.normal());
  return v;
}

/// One problem per architecture; d != d_out makes a transcoder, with a skip where asked.
template <class T>
Problem<T> make_problem(const std::string& architecture, uint64_t seed, int64_t B, int64_t d,
                        int64_t d_out, int64_t F, bool skip = false) {
  Rng rng(seed, "sae loss problem");
  Problem<T> q;
  q.B = B;
  q.p.d = d, q.p.d_out = d_out, q.p.F = F, q.p.centre = d == d_out;
  q.p.W_enc = normals<T>(rng, F * d, 0.5);
  q.p.W_dec = normals<T>(rng, F * d_out, 0.5);
  q.p.b_enc = normals<T>(rng, F, 0.2);
  q.p.b_dec = normals<T>(rng, d_out, 0.3);
  q.x = normals<T>(rng, B * d, 1.0);
  q.y = d == d_out ? q.x : normals<T>(rng, B * d_out, 1.0);
  if (skip) q.p.W_skip = normals<T>(rng, d_out * d, 0.4);
  q.options.architecture = architecture;
  q.options.k = std::max<int64_t>(1, F / 5);
  q.options.sparsity = 0.1;
  q.options.aux_k = std::max<int64_t>(1, F / 8);
  if (architecture == "jumprelu") {
    q.p.threshold.resize(static_cast<size_t>(F));
    for (T& theta : q.p.threshold) theta = static_cast<T>(rng.uniform(0.1, 0.8));
    q.options.bandwidth = 0.4;
  }
  if (architecture == "gated") {
    q.p.b_mag = normals<T>(rng, F, 0.2);
    q.p.r_mag = normals<T>(rng, F, 0.3);
  }
  if (architecture == "matryoshka") {
    q.options.prefixes = {F / 4, F / 2, F};
    q.options.prefix_weights = {0.5, 2.0, 1.0};
  }
  if (architecture == "jumprelu") q.options.pre_activation = 0.3;
  if (architecture != "relu" && architecture != "gated")
    for (int32_t f = 1; f < F; f += 3) q.state.dead.push_back(f);
  return q;
}

/// Several sites of width d: a cross-layer transcoder of S sources with F features each, or a
/// crosscoder of F features over all.
template <class T>
Problem<T> make_joint_problem(const std::string& architecture, uint64_t seed, int64_t B, int64_t d,
                              int64_t S, int64_t F, bool cross_layer) {
  const int64_t sources = cross_layer ? S : 1;
  // The matrices of a transcoder or SAE of all features; what they read and write is cut to blocks.
  Problem<T> q = make_problem<T>(architecture, seed, B, S * d, S * d, sources * F);
  q.p.sources = sources, q.p.outputs = S, q.p.centre = false;
  q.options.sources = sources, q.options.outputs = S;
  q.options.k = std::max<int64_t>(1, F / 5);
  Rng rng(seed, "joint problem");
  if (!cross_layer) return q;
  q.p.d = d;
  q.p.W_enc = normals<T>(rng, sources * F * d, 0.5);
  q.y = normals<T>(rng, B * S * d, 1.0);
  for (int64_t f = 0; f < sources * F; ++f)
    for (int64_t i = 0; i < f / F * d; ++i) q.p.W_dec[static_cast<size_t>(f * S * d + i)] = T(0);
  return q;
}

template <class T>
Tensor<float> as_tensor(const std::vector<T>& v, Shape shape) {
  if (v.empty()) return {};
  Tensor<float> out(shape);
  for (size_t i = 0; i < v.size(); ++i) out[static_cast<int64_t>(i)] = static_cast<float>(v[i]);
  return out;
}

template <class T>
sae::Sae as_sae(const sae::reference::Parameters<T>& p) {
  sae::Sae s;
  s.W_enc = as_tensor(p.W_enc, {p.F, p.d});
  s.W_dec = as_tensor(p.W_dec, {p.F, p.d_out});
  s.b_enc = as_tensor(p.b_enc, {p.F});
  s.b_dec = as_tensor(p.b_dec, {p.d_out});
  s.threshold = as_tensor(p.threshold, {p.F});
  s.b_mag = as_tensor(p.b_mag, {p.F});
  s.r_mag = as_tensor(p.r_mag, {p.F});
  s.W_skip = as_tensor(p.W_skip, {p.d_out, p.d});
  s.apply_b_dec_to_input = p.centre;
  return s;
}

/// The rows of W that are touched, zeros elsewhere.
inline Tensor<float> whole(const Tensor<float>& W, const std::vector<int32_t>& touched) {
  Tensor<float> out(W.shape());
  for (const int32_t f : touched)
    for (int64_t i = 0; i < W.shape()[1]; ++i) out.at(f, i) = W.at(f, i);
  return out;
}

}  // namespace otoscope::testing
