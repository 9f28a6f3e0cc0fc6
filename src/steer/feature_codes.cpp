#include "steer/feature_codes.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::steer {
namespace {

Tensor<float> rows_of(const Tensor<float>& all, const std::vector<int32_t>& ids) {
  if (all.empty()) return {};
  const bool matrix = all.shape().rank() == 2;
  const int64_t width = matrix ? all.shape()[1] : 1;
  if (!matrix && all.size() == 1) return all.clone();  // one threshold for all
  const auto n = static_cast<int64_t>(ids.size());
  Tensor<float> some(matrix ? Shape{n, width} : Shape{n});
  for (int64_t i = 0; i < n; ++i)
    std::copy_n(all.data() + ids[static_cast<size_t>(i)] * width, width, some.data() + i * width);
  return some;
}

/// The SAE of these features alone: equal codes, because each looks at its own row only.
sae::Sae part_of(const sae::Sae& sae, const std::vector<int32_t>& ids) {
  sae::Sae part;
  part.W_enc = rows_of(sae.W_enc, ids);
  part.W_dec = rows_of(sae.W_dec, ids);
  part.b_enc = rows_of(sae.b_enc, ids);
  part.b_dec = sae.b_dec.clone();
  part.threshold = rows_of(sae.threshold, ids);
  part.b_mag = rows_of(sae.b_mag, ids);
  part.r_mag = rows_of(sae.r_mag, ids);
  part.activation = sae.activation;
  part.normalize = sae.normalize;
  part.rescale_by_decoder_norm = sae.rescale_by_decoder_norm;
  part.apply_b_dec_to_input = sae.apply_b_dec_to_input;
  return part;
}

}  // namespace

FeatureCodes::FeatureCodes(const sae::Sae& sae, std::vector<int32_t> ids)
    : sae_(sae), ids_(std::move(ids)) {
  std::sort(ids_.begin(), ids_.end());
  directions_ = rows_of(sae.W_dec, ids_);
  if (sae.rescale_by_decoder_norm)
    for (int64_t i = 0; i < size(); ++i) {
      float* row = directions_.view().row(i);
      const auto norm = static_cast<float>(
          std::sqrt(kernels::squared_norm(View<const float>(row, {sae.d_out()}))));
      for (int64_t j = 0; j < sae.d_out(); ++j) row[j] /= norm;
    }
  if (sae.activation == sae::Activation::topk) return;  // all features compete
  part_.emplace(part_of(sae, ids_));
  part_encoder_.emplace(*part_);
}

const sae::Encoder& FeatureCodes::whole() const {
  if (!whole_) whole_.emplace(sae_);
  return *whole_;
}

size_t FeatureCodes::place_of(int32_t id) const {
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
  OTO_ASSERT(found != ids_.end() && *found == id);
  return static_cast<size_t>(found - ids_.begin());
}

void FeatureCodes::encode(View<const float> x, Tensor<float>& f) const {
  const Shape shape{x.rows(), size()};
  if (!(f.shape() == shape)) f = Tensor<float>(shape);
  std::fill_n(f.data(), f.size(), 0.0F);
  SparseRows codes;
  if (part_)
    part_encoder_->encode(x, codes);
  else
    whole().encode(x, codes);
  for (int64_t r = 0; r < x.rows(); ++r)
    for (auto e = static_cast<size_t>(codes.indptr[static_cast<size_t>(r)]);
         e < static_cast<size_t>(codes.indptr[static_cast<size_t>(r) + 1]); ++e) {
      if (part_) {
        f.at(r, codes.indices[e]) = codes.values[e];
        continue;
      }
      const auto found = std::lower_bound(ids_.begin(), ids_.end(), codes.indices[e]);
      if (found != ids_.end() && *found == codes.indices[e])
        f.at(r, found - ids_.begin()) = codes.values[e];
    }
}

void FeatureCodes::spread(const float* x, const float* change, float* out) const {
  const int64_t d = sae_.d_out();
  std::fill_n(out, d, 0.0F);
  for (int64_t j = 0; j < size(); ++j) {
    if (change[j] == 0) continue;
    const float* row = directions_.view().row(j);
    for (int64_t i = 0; i < d; ++i) out[i] += change[j] * row[i];
  }
  const float c = sae::output_scale(sae_, x);
  if (c != 1.0F)
    for (int64_t i = 0; i < d; ++i) out[i] *= c;
}

void FeatureCodes::splice(View<const float> x, View<const float> f, View<float> y) const {
  SparseRows codes, edited;
  whole().encode(x, codes);
  std::vector<std::pair<int32_t, float>> row;
  for (int64_t r = 0; r < x.rows(); ++r) {
    row.clear();
    for (auto e = static_cast<size_t>(codes.indptr[static_cast<size_t>(r)]);
         e < static_cast<size_t>(codes.indptr[static_cast<size_t>(r) + 1]); ++e)
      if (!std::binary_search(ids_.begin(), ids_.end(), codes.indices[e]))
        row.emplace_back(codes.indices[e], codes.values[e]);
    for (int64_t j = 0; j < size(); ++j)
      if (f.at(r, j) != 0) row.emplace_back(ids_[static_cast<size_t>(j)], f.at(r, j));
    std::sort(row.begin(), row.end());
    for (const auto& [index, value] : row) {
      edited.indices.push_back(index);
      edited.values.push_back(value);
    }
    edited.indptr.push_back(edited.nnz());
  }
  whole().decode(edited, x, y);
}

}  // namespace otoscope::steer
