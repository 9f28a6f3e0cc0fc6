#include "otoscope/eval/reconstructor.h"

#include <algorithm>
#include <cmath>

#include "otoscope/kernels/elementwise.h"

namespace otoscope::eval {

void empty_rows(int64_t B, SparseRows& codes) {
  codes.clear();
  codes.indptr.assign(static_cast<size_t>(B) + 1, 0);
}

SaeReconstructor::SaeReconstructor(const sae::Sae& sae) : sae_(sae), encoder_(sae) {
  norms_.resize(static_cast<size_t>(sae.F()));
  for (int64_t j = 0; j < sae.F(); ++j)
    norms_[static_cast<size_t>(j)] =
        static_cast<float>(std::sqrt(kernels::squared_norm(sae.W_dec.view().sub(j))));
}

void SaeReconstructor::reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const {
  encoder_.encode(x, codes);
  encoder_.decode(codes, x, xhat);
}

void ConstantReconstructor::reconstruct(View<const float> x, View<float> xhat,
                                        SparseRows& codes) const {
  OTO_ASSERT(xhat.width() == d_out() && xhat.rows() == x.rows());
  for (int64_t b = 0; b < xhat.rows(); ++b) std::copy(value_.begin(), value_.end(), xhat.row(b));
  empty_rows(x.rows(), codes);
}

void IdentityReconstructor::reconstruct(View<const float> x, View<float> xhat,
                                        SparseRows& codes) const {
  OTO_ASSERT(x.shape == xhat.shape);
  std::copy_n(x.data, x.size(), xhat.data);
  empty_rows(x.rows(), codes);
}

}  // namespace otoscope::eval
