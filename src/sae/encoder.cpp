#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/sae/sae.h"
#include "sae/normalize.h"

namespace otoscope::sae {
namespace {

/// Products always run on this many rows, the last ones padded: a row's codes then do not depend on
/// the batch it came in.
constexpr int64_t kBlock = 128;

void append(const SparseRows& part, int64_t rows, SparseRows& all) {
  const int64_t base = all.nnz();
  for (int64_t r = 1; r <= rows; ++r) all.indptr.push_back(base + part.indptr[r]);
  const int64_t n = part.indptr[rows];
  all.indices.insert(all.indices.end(), part.indices.begin(), part.indices.begin() + n);
  all.values.insert(all.values.end(), part.values.begin(), part.values.begin() + n);
}

}  // namespace

struct Encoder::Impl {
  const Sae& sae;
  kernels::Linear linear;
  std::optional<kernels::Linear> skip;
  std::vector<float> norms;  // of the decoder rows, where rescaled
  Tensor<float> zero;        // ReLU is a threshold of 0
  Tensor<float> magnitude;   // exp(r_mag), gated

  explicit Impl(const Sae& s, Precision p)
      : sae(s), linear(s.W_enc.view(), s.b_enc.view(), p), zero(Shape{1}) {
    if (!s.W_skip.empty()) skip.emplace(s.W_skip.view(), View<const float>{}, p);
    if (s.rescale_by_decoder_norm)
      for (int64_t f = 0; f < s.F(); ++f)
        norms.push_back(static_cast<float>(
            std::sqrt(kernels::squared_norm({s.W_dec.view().row(f), {s.d_out()}}))));
    if (s.activation == Activation::gated) {
      magnitude = Tensor<float>(Shape{s.F()});
      for (int64_t f = 0; f < s.F(); ++f) magnitude[f] = std::exp(s.r_mag[f]);
    }
  }

  /// Rows [begin, end) of x, normalised and centred, in a block of kBlock rows.
  void prepare(View<const float> x, int64_t begin, int64_t end, Tensor<float>& block) const {
    const int64_t d = sae.d();
    std::memset(block.data(), 0, static_cast<size_t>(block.size()) * sizeof(float));
    for (int64_t r = begin; r < end; ++r) {
      float* out = block.view().row(r - begin);
      if (sae.normalize == Normalize::none)
        std::copy_n(x.row(r), d, out);
      else
        normalize_row(sae.normalize, x.row(r), d, out);
      if (sae.apply_b_dec_to_input)
        for (int64_t i = 0; i < d; ++i) out[i] -= sae.b_dec[i];
    }
  }

  void activate(Tensor<float>& pre, SparseRows& codes) const {
    const int64_t F = sae.F();
    switch (sae.activation) {
      case Activation::relu:
        kernels::above_threshold(pre, zero, codes);
        return;
      case Activation::jumprelu:
        kernels::above_threshold(pre, sae.threshold, codes);
        return;
      case Activation::topk:
        if (!norms.empty())
          for (int64_t r = 0; r < kBlock; ++r)
            for (int64_t f = 0; f < F; ++f) pre.at(r, f) *= norms[static_cast<size_t>(f)];
        kernels::top_k(pre, sae.k, codes);
        return;
      case Activation::gated:
        for (int64_t r = 0; r < kBlock; ++r)
          for (int64_t f = 0; f < F; ++f) {
            float& z = pre.at(r, f);
            z = z > 0 ? (z - sae.b_enc[f]) * magnitude[f] + sae.b_mag[f] : 0.0f;
          }
        kernels::above_threshold(pre, zero, codes);
        return;
    }
  }
};

float output_scale(const Sae& sae, const float* x) {
  return sae.normalize == Normalize::none
             ? 1.0F
             : normalize_row(sae.normalize, x, sae.d(), nullptr).multiply;
}

Encoder::Encoder(const Sae& sae, Precision p) : impl_(std::make_unique<Impl>(sae, p)) {}
Encoder::~Encoder() = default;

void Encoder::encode(View<const float> x, SparseRows& codes) const {
  OTO_ASSERT(x.shape.rank() == 2 && x.width() == impl_->sae.d());
  codes.clear();
  auto block = Tensor<float>::uninitialized({kBlock, impl_->sae.d()});
  auto pre = Tensor<float>::uninitialized({kBlock, impl_->sae.F()});
  SparseRows part;
  for (int64_t begin = 0; begin < x.rows(); begin += kBlock) {
    const int64_t end = std::min(x.rows(), begin + kBlock);
    impl_->prepare(x, begin, end, block);
    impl_->linear.forward(block, pre);
    impl_->activate(pre, part);
    append(part, end - begin, codes);
  }
}

void Encoder::pre_activations(View<const float> x, View<float> pre) const {
  OTO_ASSERT((pre.shape == Shape{x.rows(), impl_->sae.F()}));
  auto block = Tensor<float>::uninitialized({kBlock, impl_->sae.d()});
  auto out = Tensor<float>::uninitialized({kBlock, impl_->sae.F()});
  for (int64_t begin = 0; begin < x.rows(); begin += kBlock) {
    const int64_t end = std::min(x.rows(), begin + kBlock);
    impl_->prepare(x, begin, end, block);
    impl_->linear.forward(block, out);
    std::copy_n(out.data(), (end - begin) * impl_->sae.F(), pre.row(begin));
  }
}

void Encoder::decode(const SparseRows& codes, View<const float> x, View<float> xhat) const {
  const Sae& sae = impl_->sae;
  OTO_ASSERT(codes.rows() == xhat.rows() && xhat.width() == sae.d_out());
  const bool per_row = sae.normalize != Normalize::none || !sae.W_skip.empty();
  OTO_ASSERT(!per_row || (x.rows() == xhat.rows() && x.width() == sae.d()));
  if (!impl_->norms.empty()) {
    SparseRows scaled = codes;
    for (size_t e = 0; e < scaled.values.size(); ++e)
      scaled.values[e] /= impl_->norms[static_cast<size_t>(scaled.indices[e])];
    kernels::sparse_decode(scaled, sae.W_dec, sae.b_dec, xhat);
  } else {
    kernels::sparse_decode(codes, sae.W_dec, sae.b_dec, xhat);
  }
  if (sae.normalize != Normalize::none)
    for (int64_t r = 0; r < xhat.rows(); ++r) {
      const RowScale scale = normalize_row(sae.normalize, x.row(r), sae.d(), nullptr);
      for (int64_t i = 0; i < sae.d_out(); ++i)
        xhat.at(r, i) = xhat.at(r, i) * scale.multiply + scale.add;
    }
  if (!sae.W_skip.empty()) {
    auto skipped = Tensor<float>::uninitialized(xhat.shape);
    impl_->skip->forward(x, skipped);
    kernels::add(skipped, xhat);
  }
}

void Encoder::reconstruct(View<const float> x, View<float> xhat) const {
  SparseRows codes;
  encode(x, codes);
  decode(codes, x, xhat);
}

}  // namespace otoscope::sae
