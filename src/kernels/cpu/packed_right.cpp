#include "otoscope/kernels/packed_right.h"

#include "kernels/cpu/product.h"

namespace otoscope::kernels {

struct PackedRight::Impl {
  int64_t K = 0, N = 0;
  Precision precision = Precision::f32;
  bool native = false;
  detail::PackedMatrix packed;
};

PackedRight::PackedRight() = default;
PackedRight::~PackedRight() = default;
PackedRight::PackedRight(PackedRight&&) noexcept = default;
PackedRight& PackedRight::operator=(PackedRight&&) noexcept = default;

PackedRight::PackedRight(Operand B, Precision precision, float scale)
    : impl_(std::make_unique<Impl>()) {
  const Shape& shape = B.matrix.shape;
  OTO_ASSERT(shape.rank() == 2);
  impl_->K = shape[B.transposed ? 1 : 0], impl_->N = shape[B.transposed ? 0 : 1];
  impl_->precision = precision;
  impl_->native = precision == Precision::bf16 && detail::native_bf16();
  const detail::OneThread alone;
  View<const float> matrix = B.matrix;
  if (precision == Precision::bf16 && !impl_->native) {  // scaled, then rounded, as packing does
    auto* to = static_cast<float*>(detail::scratch(2, matrix.size() * int64_t{sizeof(float)}));
    for (int64_t i = 0; i < matrix.size(); ++i) to[i] = scale * matrix.data[i];
    detail::round_to_bf16(to, to, matrix.size());
    matrix.data = to;
    scale = 1.0f;
  }
  impl_->packed = detail::PackedMatrix(matrix, B.transposed, impl_->native, scale);
}

void PackedRight::multiply(View<const float> A, View<float> C) const {
  const int64_t M = C.shape[0];
  OTO_ASSERT(A.shape.rank() == 2 && C.shape.rank() == 2 && A.shape[0] == M);
  OTO_ASSERT(A.shape[1] == impl_->K && C.shape[1] == impl_->N);
  if (M == 0 || impl_->N == 0) return;
  OTO_ASSERT(impl_->K > 0);
  detail::Product p{.M = M, .K = impl_->K, .N = impl_->N, .b_packed = true};
  p.bf16 = impl_->native;
  const void* left = impl_->precision == Precision::f32
                         ? A.data
                         : detail::rounded(A.data, A.size(), impl_->native, 1);
  detail::run_alone(p, left, impl_->packed, C.data);
}

}  // namespace otoscope::kernels
