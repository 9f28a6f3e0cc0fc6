#include "otoscope/eval/neurons.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::eval {
namespace {

/// Products always run on this many rows, the last ones padded: a row's values then do not depend
/// on the batch it came in.
constexpr int64_t kRowsAtOnce = 128;

/// Calls visit(first, n, h) with h: (kRowsAtOnce, neurons), the first n rows of it meant.
template <class Visit>
void for_each_hidden(const kernels::Linear& up, View<const float> x, Visit&& visit) {
  Tensor<float> block({kRowsAtOnce, up.in()}), hidden({kRowsAtOnce, up.out()});
  for (int64_t first = 0; first < x.rows(); first += kRowsAtOnce) {
    const int64_t n = std::min(kRowsAtOnce, x.rows() - first);
    std::copy_n(x.row(first), n * up.in(), block.data());
    std::fill(block.data() + n * up.in(), block.data() + block.size(), 0.0f);
    up.forward(block, hidden);
    kernels::gelu(hidden, hidden);
    visit(first, n, hidden);
  }
}

}  // namespace

std::vector<float> mean_neurons(const model::MlpLayers& mlp, const Sample& ln2) {
  if (ln2.rows() == 0)
    throw UserError("eval", "expected training rows for the mean of neurons, got none",
                    "the store has no train split");
  const kernels::Linear up(mlp.up, mlp.up_bias);
  std::vector<double> sums(static_cast<size_t>(up.out()));
  for_each_block(ln2, 4096, [&](int64_t, View<const float> x) {
    for_each_hidden(up, x, [&](int64_t, int64_t n, const Tensor<float>& h) {
      for (int64_t b = 0; b < n; ++b)
        for (int64_t j = 0; j < up.out(); ++j) sums[static_cast<size_t>(j)] += h.at(b, j);
    });
  });
  std::vector<float> mean;
  for (const double sum : sums)
    mean.push_back(static_cast<float>(sum / static_cast<double>(ln2.rows())));
  return mean;
}

NeuronReconstructor::NeuronReconstructor(const model::MlpLayers& mlp, std::vector<float> mean,
                                         int64_t k)
    : up_(mlp.up, mlp.up_bias),
      W_(Tensor<float>::uninitialized({mlp.down.shape[1], mlp.down.shape[0]})),
      base_(Tensor<float>::copy_of(mlp.down_bias)),
      mean_(std::move(mean)),
      k_(std::clamp<int64_t>(k, 1, mlp.up.shape[0])) {
  OTO_ASSERT(static_cast<int64_t>(mean_.size()) == features());
  for (int64_t j = 0; j < features(); ++j) {
    for (int64_t i = 0; i < d_out(); ++i) W_.at(j, i) = mlp.down.at(i, j);
    norms_.push_back(static_cast<float>(std::sqrt(kernels::squared_norm(W_.view().sub(j)))));
  }
  for (int64_t i = 0; i < d_out(); ++i) {
    double sum = base_[i];
    for (int64_t j = 0; j < features(); ++j)
      sum += static_cast<double>(mean_[static_cast<size_t>(j)]) * W_.at(j, i);
    base_[i] = static_cast<float>(sum);
  }
}

void NeuronReconstructor::reconstruct(View<const float> x, View<float> xhat,
                                      SparseRows& codes) const {
  OTO_ASSERT(x.width() == up_.in() && xhat.width() == d_out() && x.rows() == xhat.rows());
  const int64_t F = features();
  codes.clear();
  Tensor<float> moved({kRowsAtOnce, F});
  SparseRows part;
  for_each_hidden(up_, x, [&](int64_t first, int64_t n, const Tensor<float>& h) {
    parallel_ranges(n, 16, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        for (int64_t j = 0; j < F; ++j) {
          const auto at = static_cast<size_t>(j);
          moved.at(b, j) = std::fabs(h.at(b, j) - mean_[at]) * norms_[at];
        }
    });
    kernels::top_k(moved.view().slice(0, n), k_, part);
    for (int64_t b = 0; b < n; ++b)
      for (int64_t e = part.indptr[static_cast<size_t>(b)];
           e < part.indptr[static_cast<size_t>(b) + 1]; ++e) {
        const int32_t j = part.indices[static_cast<size_t>(e)];
        part.values[static_cast<size_t>(e)] = h.at(b, j) - mean_[static_cast<size_t>(j)];
      }
    kernels::sparse_decode(part, W_, base_, xhat.slice(first, first + n));
    const int64_t base = codes.nnz();
    for (int64_t b = 1; b <= n; ++b)
      codes.indptr.push_back(base + part.indptr[static_cast<size_t>(b)]);
    codes.indices.insert(codes.indices.end(), part.indices.begin(), part.indices.end());
    for (const float value : part.values) codes.values.push_back(std::fabs(value));
  });
}

}  // namespace otoscope::eval
