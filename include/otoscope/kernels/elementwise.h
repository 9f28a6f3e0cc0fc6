#pragma once
/// Norms, GELU, softmax: own kernels, one reference in portable C++ and the same for AVX2 and
/// AVX-512. Each forward has its vjp beside it. "=" overwrites, "+=" accumulates.

#include "otoscope/core/tensor.h"

namespace otoscope::kernels {

/// LayerNorm over the last index (Ba et al. 2016; eps 1e-5 as in Whisper).
/// y = (x - mean) * scale * gain + bias, scale[r] = 1/sqrt(var + eps) with the biased variance.
/// x, y: (..., d)   gain, bias: (d)   scale: (rows)
void layer_norm(View<const float> x, View<const float> gain, View<const float> bias, View<float> y,
                View<float> scale);
/// dx = . scale is what the forward returned. With frozen_scale the scale is a constant (the mean
/// is not).
void layer_norm_vjp(View<const float> x, View<const float> gain, View<const float> scale,
                    View<const float> dy, View<float> dx, bool frozen_scale = false);

/// y = x/2 (1 + erf(x/sqrt 2)): the exact form (Hendrycks & Gimpel 2016), within 2e-7 max(1, |x|)
/// of it for all x; the negative tail keeps its digits too. y may be x. NaN stays NaN.
void gelu(View<const float> x, View<float> y);
/// dx = dy * gelu'(x), the slope within 2e-7. dx may be dy. With frozen_gate dx = dy * gelu(x)/x
/// (1/2 at x = 0): the gate held constant.
void gelu_vjp(View<const float> x, View<const float> dy, View<float> dx, bool frozen_gate = false);

/// Softmax over the last index, in place allowed. Entries of -inf become 0; a row of only -inf is
/// an assert.
void softmax(View<const float> x, View<float> y);
/// dx = y (dy - <y, dy>) per row. dx may be dy.
void softmax_vjp(View<const float> y, View<const float> dy, View<float> dx);
/// y = x - log sum exp(x) per row.
void log_softmax(View<const float> x, View<float> y);

/// y += x
void add(View<const float> x, View<float> y);
/// y += a x
void axpy(float a, View<const float> x, View<float> y);
/// Adds the (d) vector b to every row of y.
void add_rows(View<const float> b, View<float> y);
float dot(const float* a, const float* b, int64_t n);
/// Sum of squares in double.
double squared_norm(View<const float> x);

}  // namespace otoscope::kernels
