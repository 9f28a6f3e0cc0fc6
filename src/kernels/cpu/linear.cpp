#include <algorithm>
#include <mutex>

#include "kernels/cpu/elementwise_table.h"
#include "kernels/cpu/product.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::kernels {

struct Linear::Impl {
  Tensor<float> W, b;
  Precision precision = Precision::f32;
  bool native = false;                  // bfloat16 in memory, not only in value
  detail::PackedMatrix forward, vjp;    // (in, out) and (out, in)
  mutable std::once_flag vjp_is_ready;  // most weights are never asked for it

  detail::PackedMatrix packed(bool transposed) const {
    if (precision == Precision::f32 || native) return {W.view(), transposed, native};
    auto rounded = Tensor<float>::uninitialized(W.shape());
    detail::round_to_bf16(W.data(), rounded.data(), W.size());
    return {rounded.view(), transposed, false};
  }

  /// What a product reads in the place of x; valid until the next one is asked for.
  const void* prepared(View<const float> x) const {
    return precision == Precision::f32 ? x.data : detail::rounded(x.data, x.size(), native, 1);
  }
  /// The same of gelu(x); x is lost.
  const void* prepared_gelu(View<float> x) const {
    if (!native) {
      gelu(x, x);
      return prepared(x);
    }
    auto* to = static_cast<bf16*>(detail::scratch(1, x.size() * int64_t{sizeof(bf16)}));
    elementwise().gelu_to_bf16(x.data, x.size(), &to->bits);
    return to;
  }
  detail::Product product(int64_t M) const {
    detail::Product p{.M = M, .K = W.shape()[1], .N = W.shape()[0], .b_packed = true};
    p.bias = !b.empty(), p.bf16 = native;
    return p;
  }
  /// y = what `prepare(x)` leaves of x, times the weight, on this thread.
  template <class X, class Prepare>
  void multiply_alone(X x, View<float> y, Prepare&& prepare) const {
    const int64_t M = x.rows();
    OTO_ASSERT(x.width() == W.shape()[1] && y.width() == W.shape()[0] && y.rows() == M);
    if (M == 0 || W.shape()[0] == 0) return;
    const detail::OneThread alone;
    detail::run_alone(product(M), prepare(x), forward, b.data(), y.data);
  }
};

Linear::Linear(View<const float> W, View<const float> b, Precision p)
    : impl_(std::make_unique<Impl>()) {
  OTO_ASSERT(W.shape.rank() == 2);
  OTO_ASSERT(b.empty() || b.size() == W.shape[0]);
  impl_->W = Tensor<float>::uninitialized(W.shape);
  std::copy_n(W.data, W.size(), impl_->W.data());
  if (!b.empty()) impl_->b = Tensor<float>::copy_of(b);
  impl_->precision = p;
  impl_->native = p == Precision::bf16 && detail::native_bf16();
  impl_->forward = impl_->packed(true);
}
Linear::Linear() = default;
Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;

void Linear::forward(View<const float> x, View<float> y) const {
  detail::assert_not_parallel();
  const int64_t M = x.rows();
  OTO_ASSERT(x.width() == in() && y.width() == out() && y.rows() == M);
  if (M == 0 || out() == 0) return;
  detail::run(impl_->product(M), impl_->prepared(x), impl_->forward, impl_->b.data(), y.data);
}

void Linear::forward_alone(View<const float> x, View<float> y) const {
  impl_->multiply_alone(x, y, [&](View<const float> left) { return impl_->prepared(left); });
}

void Linear::forward_gelu_alone(View<float> x, View<float> y) const {
  impl_->multiply_alone(x, y, [&](View<float> left) { return impl_->prepared_gelu(left); });
}

void Linear::vjp(View<const float> dy, View<float> dx, bool accumulate) const {
  detail::assert_not_parallel();
  const int64_t M = dy.rows();
  OTO_ASSERT(dy.width() == out() && dx.width() == in() && dx.rows() == M);
  if (M == 0 || in() == 0) return;
  std::call_once(impl_->vjp_is_ready, [&] { impl_->vjp = impl_->packed(false); });
  detail::Product p{.M = M, .K = out(), .N = in(), .b_packed = true};
  p.accumulate = accumulate, p.bf16 = impl_->native;
  detail::run(p, impl_->prepared(dy), impl_->vjp, nullptr, dx.data);
}

int64_t Linear::in() const { return impl_->W.shape()[1]; }
int64_t Linear::out() const { return impl_->W.shape()[0]; }
View<const float> Linear::weight() const { return impl_->W.view(); }
View<const float> Linear::bias() const { return impl_->b.view(); }

}  // namespace otoscope::kernels
