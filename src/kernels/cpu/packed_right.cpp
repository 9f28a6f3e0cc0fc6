#include "otoscope/kernels/packed_right.h"

#include <algorithm>
#include <limits>

#include "kernels/cpu/product.h"
#include "kernels/cpu/tiles.h"
#include "otoscope/core/isa.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::kernels {

struct PackedRight::Impl {
  int64_t K = 0, N = 0;
  Precision precision = Precision::f32;
  bool native = false;
  detail::PackedMatrix packed;
  Tensor<uint16_t> tiles;  // in its place where the CPU has them

  bool tiled() const { return !tiles.empty(); }
  static uint16_t* scratch(int64_t M, int64_t width) {
    return static_cast<uint16_t*>(
        detail::scratch(1, amx::scratch_size(M, width) * int64_t{sizeof(uint16_t)}));
  }
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
  if (precision == Precision::bf16 && active_isa() == Isa::amx && !B.matrix.empty()) {
    impl_->tiles = Tensor<uint16_t>::uninitialized(Shape{amx::packed_size(impl_->K, impl_->N)});
    amx::pack(B.matrix.data, impl_->K, impl_->N, B.transposed, scale, impl_->tiles.data());
    return;
  }
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
  if (impl_->tiled())
    return amx::multiply(A.data, M, impl_->K, impl_->N, impl_->tiles.data(), C.data,
                         impl_->scratch(M, impl_->K));
  detail::Product p{.M = M, .K = impl_->K, .N = impl_->N, .b_packed = true};
  p.bf16 = impl_->native;
  const void* left = impl_->precision == Precision::f32
                         ? A.data
                         : detail::rounded(A.data, A.size(), impl_->native, 1);
  detail::run_alone(p, left, impl_->packed, nullptr, C.data);
}

void attend(View<const float> q, const PackedRight& keys, const PackedRight& values, int64_t seen,
            View<float> z) {
  const PackedRight::Impl &k = *keys.impl_, &v = *values.impl_;
  const int64_t M = q.shape[0], S = k.N;
  OTO_ASSERT(v.K == S && S > 0 && seen > 0 && z.shape == Shape({M, v.N}) &&
             q.shape == Shape({M, k.K}));
  if (M == 0 || v.N == 0) return;
  if (k.tiled() && v.tiled()) {
    auto* scores =
        static_cast<float*>(detail::scratch(2, M * amx::scores_width(S) * int64_t{sizeof(float)}));
    const bool has_numbers = amx::attend(q.data, M, k.K, S, v.N, k.tiles.data(), v.tiles.data(),
                                         seen, scores, z.data, v.scratch(M, std::max(k.K, S)));
    OTO_ASSERT(has_numbers);
    return;
  }
  const View<float> scores{static_cast<float*>(detail::scratch(3, M * S * int64_t{sizeof(float)})),
                           Shape{M, S}};
  keys.multiply(q, scores);
  for (int64_t i = 0; i < M && seen + i < S; ++i)
    std::fill(scores.row(i) + seen + i, scores.row(i) + S, -std::numeric_limits<float>::infinity());
  softmax(scores, scores);
  values.multiply(scores, z);
}

}  // namespace otoscope::kernels
