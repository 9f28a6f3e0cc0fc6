#pragma once
/// The best linear map from one site to another: what a transcoder must beat, since an MLP is
/// partly linear and a skip is nothing else.

#include "otoscope/eval/reconstructor.h"
#include "otoscope/eval/sample.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::eval {

struct LinearMap {
  Tensor<float> W;     // (d_out, d)
  Tensor<float> bias;  // (d_out)
};

/// argmin sum ||y - W x - b||^2 + r ||W||^2 over row-aligned samples, r = 1e-6 of the mean variance
/// of x's principal directions times the rows. UserError where there are no rows.
LinearMap fit_linear(const Sample& x, const Sample& y);

class LinearReconstructor : public Reconstructor {
 public:
  explicit LinearReconstructor(const LinearMap& map) : linear_(map.W.view(), map.bias.view()) {}
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override;
  int64_t d_out() const override { return linear_.out(); }
  int64_t dense_size() const override { return linear_.in(); }

 private:
  kernels::Linear linear_;
};

}  // namespace otoscope::eval
