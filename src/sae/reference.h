#pragma once
/// Every loss of the room once more, dense and plain, for float or double: the meaning that the
/// fast ones are tested against, and small enough for finite differences.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "otoscope/sae/loss.h"

namespace otoscope::sae::reference {

template <class T>
struct Parameters {
  int64_t d = 0, d_out = 0, F = 0;
  int64_t sources = 1, outputs = 1;  // as in Sae: x is (B, sources d)
  bool centre = true;
  std::vector<T> W_enc, W_dec, b_enc, b_dec, threshold, b_mag, r_mag, W_skip;  // shapes as in Sae
};

/// Values that gradients do not flow through. Empty: computed by the pass itself. Finite
/// differences fill them from the unperturbed point.
template <class T>
struct Frozen {
  std::vector<T> residual;      // y - xhat, AuxK's target (B, d_out)
  std::vector<T> W_dec, b_dec;  // gated's second reconstruction
  std::vector<T> rest;          // y - W_skip x, what that one aims at
};

template <class T>
struct Result {
  T total = 0, reconstruction = 0, sparsity = 0, auxiliary = 0, inner = 0, l0 = 0;
  std::vector<T> pre, codes, xhat;
  Parameters<T> gradient;
  Frozen<T> frozen;
};

template <class T>
struct Pass {
  const Parameters<T>& p;
  const LossOptions& o;
  const StepState& state;
  const std::vector<T>& x;
  std::vector<T> y;  // without the skip
  int64_t B;
  Result<T> r;
  std::vector<T> a;      // d total / d codes, (B, F)
  std::vector<T> delta;  // d total / d pre, (B, F)

  size_t at(int64_t b, int64_t f) const { return static_cast<size_t>(b * p.F + f); }
  int64_t source(int64_t f) const { return f / (p.F / p.sources); }
  /// The first column that a feature writes.
  int64_t from(int64_t f) const { return source(f) * (p.d_out / p.outputs); }
  T xc(int64_t b, int64_t f, int64_t i) const {
    return x[static_cast<size_t>((b * p.sources + source(f)) * p.d + i)] -
           (p.centre ? p.b_dec[static_cast<size_t>(i)] : T(0));
  }
  static T& add(std::vector<T>& v, int64_t i, T value) {
    return v[static_cast<size_t>(i)] += value;
  }

  void start() {
    auto& g = r.gradient = p;
    for (auto* v :
         {&g.W_enc, &g.W_dec, &g.b_enc, &g.b_dec, &g.threshold, &g.b_mag, &g.r_mag, &g.W_skip})
      std::fill(v->begin(), v->end(), T(0));
    if (!p.W_skip.empty())
      for (int64_t b = 0; b < B; ++b)
        for (int64_t i = 0; i < p.d_out; ++i)
          for (int64_t j = 0; j < p.d; ++j)
            y[static_cast<size_t>(b * p.d_out + i)] -=
                p.W_skip[static_cast<size_t>(i * p.d + j)] * x[static_cast<size_t>(b * p.d + j)];
    r.pre.assign(static_cast<size_t>(B * p.F), T(0));
    r.codes = a = delta = r.pre;
    for (int64_t b = 0; b < B; ++b)
      for (int64_t f = 0; f < p.F; ++f) {
        T z = p.b_enc[static_cast<size_t>(f)];
        for (int64_t i = 0; i < p.d; ++i)
          z += xc(b, f, i) * p.W_enc[static_cast<size_t>(f * p.d + i)];
        r.pre[at(b, f)] = z;
      }
  }

  /// codes W + bias over features [0, width)
  std::vector<T> decode(const std::vector<T>& codes, const std::vector<T>& W,
                        const std::vector<T>& bias, int64_t width) const {
    std::vector<T> out(static_cast<size_t>(B * p.d_out));
    for (int64_t b = 0; b < B; ++b)
      for (int64_t i = 0; i < p.d_out; ++i) {
        T sum = bias.empty() ? T(0) : bias[static_cast<size_t>(i)];
        for (int64_t f = 0; f < width; ++f)
          if (i >= from(f)) sum += codes[at(b, f)] * W[static_cast<size_t>(f * p.d_out + i)];
        out[static_cast<size_t>(b * p.d_out + i)] = sum;
      }
    return out;
  }

  T mean_square(const std::vector<T>& u, const std::vector<T>& v) const {
    T sum = 0;
    for (size_t i = 0; i < u.size(); ++i) sum += (u[i] - v[i]) * (u[i] - v[i]);
    return sum / T(B);
  }

  /// The gradient g (B, d_out) of a reconstruction from features [0, width): to the decoder and
  /// into a.
  void decode_vjp(const std::vector<T>& codes, const std::vector<T>& g, int64_t width, bool bias) {
    for (int64_t b = 0; b < B; ++b)
      for (int64_t i = 0; i < p.d_out; ++i) {
        const T gi = g[static_cast<size_t>(b * p.d_out + i)];
        if (bias) add(r.gradient.b_dec, i, gi);
        for (int64_t f = 0; f < width; ++f) {
          if (i < from(f)) continue;
          add(r.gradient.W_dec, f * p.d_out + i, codes[at(b, f)] * gi);
          a[at(b, f)] += gi * p.W_dec[static_cast<size_t>(f * p.d_out + i)];
        }
      }
  }

  void reconstruct(int64_t width, T weight, T& term) {
    r.xhat = decode(r.codes, p.W_dec, p.b_dec, width);
    term += weight * mean_square(r.xhat, y);
    std::vector<T> g(r.xhat.size());
    for (size_t i = 0; i < g.size(); ++i) g[i] = weight * T(2) / T(B) * (r.xhat[i] - y[i]);
    decode_vjp(r.codes, g, width, true);
    if (p.W_skip.empty()) return;
    for (int64_t b = 0; b < B; ++b)
      for (int64_t i = 0; i < p.d_out; ++i)
        for (int64_t j = 0; j < p.d; ++j)
          add(r.gradient.W_skip, i * p.d + j,
              g[static_cast<size_t>(b * p.d_out + i)] * x[static_cast<size_t>(b * p.d + j)]);
  }

  /// delta -> encoder, b_enc, and b_dec through the centring
  void encoder_vjp(bool bias = true) {
    for (int64_t b = 0; b < B; ++b)
      for (int64_t f = 0; f < p.F; ++f) {
        const T v = delta[at(b, f)];
        if (bias) add(r.gradient.b_enc, f, v);
        for (int64_t i = 0; i < p.d; ++i) {
          add(r.gradient.W_enc, f * p.d + i, v * xc(b, f, i));
          if (p.centre) add(r.gradient.b_dec, i, -v * p.W_enc[static_cast<size_t>(f * p.d + i)]);
        }
      }
  }

  /// Keeps the largest `count` of the candidates, lower position first among equals.
  void keep(std::vector<int64_t> candidates, int64_t count, const std::vector<T>& z,
            std::vector<T>& out, bool rectified) const {
    std::stable_sort(candidates.begin(), candidates.end(), [&](int64_t i, int64_t j) {
      return z[static_cast<size_t>(i)] > z[static_cast<size_t>(j)];
    });
    for (int64_t n = 0; n < std::min<int64_t>(count, static_cast<int64_t>(candidates.size()));
         ++n) {
      const auto i = static_cast<size_t>(candidates[static_cast<size_t>(n)]);
      out[i] = rectified ? std::max(z[i], T(0)) : z[i];
    }
  }

  void top_k(bool whole_batch) {
    const int64_t n = p.F / p.sources;
    for (int64_t s = 0; s < p.sources; ++s)
      for (int64_t b = 0; b < (whole_batch ? 1 : B); ++b) {
        std::vector<int64_t> all;
        for (int64_t row = b; row < (whole_batch ? B : b + 1); ++row)
          for (int64_t f = s * n; f < (s + 1) * n; ++f) all.push_back(row * p.F + f);
        keep(all, whole_batch ? o.k * B : o.k, r.pre, r.codes, true);
      }
  }

  /// sum over rows and columns from `first` on of (e - its column's mean)^2
  T spread(const std::vector<T>& e, int64_t first) const {
    T total = 0;
    for (int64_t i = first; i < p.d_out; ++i) {
      T mean = 0;
      for (int64_t b = 0; b < B; ++b) mean += e[static_cast<size_t>(b * p.d_out + i)] / T(B);
      for (int64_t b = 0; b < B; ++b)
        total += std::pow(e[static_cast<size_t>(b * p.d_out + i)] - mean, 2);
    }
    return total;
  }

  void auxk(const Frozen<T>& frozen) {
    auto& e = r.frozen.residual;
    e = frozen.residual;
    if (e.empty()) {
      e.resize(y.size());
      for (size_t i = 0; i < e.size(); ++i) e[i] = y[i] - r.xhat[i];
    }
    if (state.dead.empty() || o.aux_coefficient == 0) return;
    const int64_t k = o.aux_k > 0 ? o.aux_k : p.d_out / 2;
    const T alpha = T(o.aux_coefficient);
    const std::vector<T> before = a;
    for (int64_t s = 0; s < p.sources; ++s) {
      // What this source's dead do not write is no concern of theirs.
      const int64_t first = s * (p.d_out / p.outputs);
      const T Z = spread(e, first);
      std::vector<T> codes(r.codes.size(), T(0));
      bool any = false;
      for (int64_t b = 0; b < B; ++b) {
        std::vector<int64_t> dead;
        for (const int32_t f : state.dead)
          if (source(f) == s) dead.push_back(b * p.F + f);
        any = any || !dead.empty();
        keep(dead, k, r.pre, codes, o.aux_rectified);
      }
      if (!any || !(Z > 0)) continue;
      const auto eh = decode(codes, p.W_dec, {}, p.F);
      std::vector<T> h(eh.size());
      for (size_t i = 0; i < h.size(); ++i) {
        if (static_cast<int64_t>(i) % p.d_out < first) continue;
        r.auxiliary += alpha * (eh[i] - e[i]) * (eh[i] - e[i]) / Z;
        h[i] = T(2) * alpha / Z * (eh[i] - e[i]);
      }
      std::fill(a.begin(), a.end(), T(0));
      decode_vjp(codes, h, p.F, false);
      for (size_t i = 0; i < a.size(); ++i)
        if (codes[i] != T(0)) delta[i] += a[i];
    }
    a = before;
  }

  void finish() {
    r.total = r.reconstruction + r.inner + r.sparsity + r.auxiliary;
    for (const T code : r.codes) r.l0 += (code > 0 ? T(1) : T(0)) / T(B);
  }

  void topk_like(const Frozen<T>& frozen) {
    top_k(o.architecture != "topk");
    if (o.architecture == "matryoshka")
      for (size_t q = 0; q + 1 < o.prefixes.size(); ++q)
        reconstruct(o.prefixes[q], T(o.prefix_weights[q]), r.inner);
    reconstruct(p.F, o.architecture == "matryoshka" ? T(o.prefix_weights.back()) : T(1),
                r.reconstruction);
    for (size_t i = 0; i < delta.size(); ++i) delta[i] = r.codes[i] > 0 ? a[i] : T(0);
    auxk(frozen);
    encoder_vjp();
  }

  void relu() {
    for (size_t i = 0; i < r.pre.size(); ++i) r.codes[i] = std::max(r.pre[i], T(0));
    reconstruct(p.F, T(1), r.reconstruction);
    const T lambda = T(o.sparsity * state.sparsity_scale) / T(B);
    for (int64_t f = 0; f < p.F; ++f) {
      T norm = 1, sum = 0;
      const auto row = p.W_dec.begin() + f * p.d_out;
      if (o.norm_weighted) norm = std::sqrt(std::inner_product(row, row + p.d_out, row, T(0)));
      for (int64_t b = 0; b < B; ++b) sum += r.codes[at(b, f)], a[at(b, f)] += lambda * norm;
      r.sparsity += lambda * norm * sum;
      if (o.norm_weighted)
        for (int64_t i = 0; i < p.d_out; ++i)
          add(r.gradient.W_dec, f * p.d_out + i, lambda * sum * row[i] / norm);
    }
    for (size_t i = 0; i < delta.size(); ++i) delta[i] = r.codes[i] > 0 ? a[i] : T(0);
    encoder_vjp();
  }

  void jumprelu() {
    T l0 = 0;
    for (int64_t b = 0; b < B; ++b)
      for (int64_t f = 0; f < p.F; ++f)
        if (r.pre[at(b, f)] > p.threshold[static_cast<size_t>(f)])
          r.codes[at(b, f)] = r.pre[at(b, f)], l0 += T(1) / T(B);
    reconstruct(p.F, T(1), r.reconstruction);
    const T lambda = T(o.sparsity * state.sparsity_scale), eps = T(o.bandwidth);
    const T excess = l0 / T(o.k) - T(1);
    r.sparsity = o.penalty == "l0" ? lambda * l0 : lambda * excess * excess;
    const T per_feature = o.penalty == "l0" ? lambda : lambda * T(2) * excess / T(o.k);
    for (int64_t b = 0; b < B; ++b)
      for (int64_t f = 0; f < p.F; ++f) {
        const T theta = p.threshold[static_cast<size_t>(f)], z = r.pre[at(b, f)];
        delta[at(b, f)] = z > theta ? a[at(b, f)] : T(0);
        if (std::abs((z - theta) / eps) < T(0.5))
          add(r.gradient.threshold, f, -(a[at(b, f)] * theta + per_feature / T(B)) / eps);
      }
    pull_up_the_dead();
    encoder_vjp();
  }

  void pull_up_the_dead() {
    const T weight = T(o.pre_activation) / T(B);
    for (const int32_t f : state.dead) {
      const auto row = p.W_dec.begin() + f * p.d_out;
      const T norm = std::sqrt(std::inner_product(row, row + p.d_out, row, T(0)));
      for (int64_t b = 0; b < B; ++b) {
        const T gap = p.threshold[static_cast<size_t>(f)] - r.pre[at(b, f)];
        if (!(gap > 0)) continue;
        r.auxiliary += weight * norm * gap;
        delta[at(b, f)] -= weight * norm;
        add(r.gradient.threshold, f, weight * norm);
        for (int64_t i = 0; i < p.d_out; ++i)
          add(r.gradient.W_dec, f * p.d_out + i, weight * gap / norm * row[i]);
      }
    }
  }

  void gated(const Frozen<T>& frozen) {
    r.frozen.W_dec = frozen.W_dec.empty() ? p.W_dec : frozen.W_dec;
    r.frozen.b_dec = frozen.b_dec.empty() ? p.b_dec : frozen.b_dec;
    const auto& aim = r.frozen.rest = frozen.rest.empty() ? y : frozen.rest;
    std::vector<T> magnitude(r.pre.size()), gate(r.pre.size());
    for (int64_t b = 0; b < B; ++b)
      for (int64_t f = 0; f < p.F; ++f) {
        const auto j = static_cast<size_t>(f);
        const T pi = r.pre[at(b, f)];
        const T m = (pi - p.b_enc[j]) * std::exp(p.r_mag[j]) + p.b_mag[j];
        magnitude[at(b, f)] = m;
        gate[at(b, f)] = std::max(pi, T(0));
        if (pi > 0) r.codes[at(b, f)] = std::max(m, T(0));
      }
    reconstruct(p.F, T(1), r.reconstruction);
    const auto aux = decode(gate, r.frozen.W_dec, r.frozen.b_dec, p.F);
    r.auxiliary = mean_square(aux, aim);
    const T lambda = T(o.sparsity * state.sparsity_scale) / T(B);
    for (int64_t b = 0; b < B; ++b)
      for (int64_t f = 0; f < p.F; ++f) {
        const auto j = static_cast<size_t>(f);
        r.sparsity += lambda * gate[at(b, f)];
        if (!(r.pre[at(b, f)] > 0)) continue;
        T through_gate = lambda;
        for (int64_t i = 0; i < p.d_out; ++i) {
          const auto at_out = static_cast<size_t>(b * p.d_out + i);
          through_gate += T(2) / T(B) * (aux[at_out] - aim[at_out]) *
                          r.frozen.W_dec[static_cast<size_t>(f * p.d_out + i)];
        }
        const T through_magnitude = magnitude[at(b, f)] > 0 ? a[at(b, f)] : T(0);
        add(r.gradient.b_enc, f, through_gate);
        add(r.gradient.b_mag, f, through_magnitude);
        add(r.gradient.r_mag, f, through_magnitude * (magnitude[at(b, f)] - p.b_mag[j]));
        delta[at(b, f)] = through_gate + through_magnitude * std::exp(p.r_mag[j]);
      }
    encoder_vjp(false);
  }
};

/// Loss and gradients of one batch. x: (B, d)   y: (B, d_out)
template <class T>
Result<T> run(const Parameters<T>& p, const LossOptions& o, const StepState& state,
              const std::vector<T>& x, const std::vector<T>& y, const Frozen<T>& frozen = {}) {
  const int64_t B = static_cast<int64_t>(x.size()) / (p.d * p.sources);
  Pass<T> pass{p, o, state, x, y, B, {}, {}, {}};
  pass.start();
  if (o.architecture == "relu") pass.relu();
  if (o.architecture == "jumprelu") pass.jumprelu();
  if (o.architecture == "gated") pass.gated(frozen);
  if (o.architecture == "topk" || o.architecture == "batchtopk" || o.architecture == "matryoshka")
    pass.topk_like(frozen);
  pass.finish();
  return pass.r;
}

}  // namespace otoscope::sae::reference
