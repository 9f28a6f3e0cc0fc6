#pragma once
/// Small dense helpers that the losses share. Results do not depend on the number of threads.

#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/sae/loss.h"

namespace otoscope::sae {

/// out = x - b_dec per row, or x where the SAE does not centre.
void centre(const Sae& sae, View<const float> x, Tensor<float>& out);
/// The blocks of columns of x one below the other: (B, S d) -> (S, B, d).
void blocks_of(View<const float> x, int64_t S, Tensor<float>& out);
/// Codes of several groups of n features, the rows of all side by side.
void join_groups(const std::vector<SparseRows>& groups, int64_t n, SparseRows& out);
/// Makes `buffer` at least this shape's size and gives a view of that shape.
View<float> shaped(Tensor<float>& buffer, Shape shape);
/// out[i] (+)= sum_b x[b, i], in double.
void column_sums(View<const float> x, View<float> out, bool accumulate);
/// (1/B) sum_b ||y_b - mean||^2
double spread(View<const float> y);
/// db_dec -= W_enc^T db_enc: the way through x - b_dec (db_enc = sum_b delta_b).
void centring_vjp(const Sae& sae, Gradients& gradients);
/// What the codes of a skip transcoder have to explain, y - W_skip x (in `buffer`); y itself where
/// there is no skip.
View<const float> without_skip(const Sae& sae, View<const float> x, View<const float> y,
                               Tensor<float>& buffer);
/// dW_skip (+)= g^T x, g: (B, d_out) the gradient of xhat. Nothing where there is no skip.
void skip_vjp(View<const float> g, View<const float> x, bool accumulate, Gradients& gradients);
void fill(Tensor<float>& x, float value);

}  // namespace otoscope::sae
