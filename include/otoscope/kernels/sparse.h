#pragma once
/// Sparse codes: top-k selection, sparse decode and its gradients. Feature dictionaries hold one
/// row per feature: W: (F, d).

#include <cstdint>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope {

/// Rows of (index, value) pairs, CSR: row b is [indptr[b], indptr[b+1]). Indices ascend within a
/// row.
struct SparseRows {
  std::vector<int64_t> indptr{0};
  std::vector<int32_t> indices;
  std::vector<float> values;

  int64_t rows() const { return static_cast<int64_t>(indptr.size()) - 1; }
  int64_t nnz() const { return static_cast<int64_t>(indices.size()); }
  void clear() { indptr.assign(1, 0), indices.clear(), values.clear(); }
};

namespace kernels {

/// Keeps the k largest entries of each row, then drops those <= 0 (TopK followed by ReLU; Gao et
/// al. 2024). Equal values: the lower index wins. NaN is smaller than everything. pre: (B, F), 0 <
/// k <= F.
void top_k(View<const float> pre, int64_t k, SparseRows& out);

/// Keeps the k*B largest positive entries of the whole matrix (BatchTopK; Bussmann et al. 2024).
/// Ties: lower row, then lower index. Exact, without a sort of all B*F.
void batch_top_k(View<const float> pre, int64_t k, SparseRows& out);

/// Keeps entries with pre > 0 and pre > threshold[j] (JumpReLU at inference, ReLU with thresholds
/// of 0). threshold: (F), or (1) for one shared value.
void above_threshold(View<const float> pre, View<const float> threshold, SparseRows& out);

/// y[b,:] = b_dec + sum_j val[b,j] W[idx[b,j],:].   W: (F, d)   b_dec: (d) or empty   y: (B, d)
void sparse_decode(const SparseRows& z, View<const float> W, View<const float> b_dec,
                   View<float> y);

/// dval[e] = <dy[row(e),:], W[idx[e],:]> for each stored entry e.   dy: (B, d)   dval: nnz values
void sparse_decode_vjp_values(const SparseRows& z, View<const float> W, View<const float> dy,
                              std::vector<float>& dval);

/// The transpose of a SparseRows pattern: for each feature, which entries it has. Built once per
/// step and used for both weight gradients. Order inside a feature is by row, so sums do not depend
/// on threads.
struct SparseColumns {
  std::vector<int64_t> indptr;  // (F + 1)
  std::vector<int32_t> rows;    // nnz
  std::vector<int64_t> entry;   // nnz: position in the SparseRows
};
SparseColumns transpose(const SparseRows& z, int64_t F);

/// dW[f,:] += sum_{e: idx[e] = f} coefficient[e] * g[row(e),:].   g: (B, d)   dW: (F, d).  Only
/// rows of features that occur are touched. Serves dW_dec (coefficient = z, g = dy) and dW_enc
/// (coefficient = delta, g = x).
void sparse_outer(const SparseColumns& columns, const std::vector<float>& coefficient,
                  View<const float> g, View<float> dW);

}  // namespace kernels
}  // namespace otoscope
