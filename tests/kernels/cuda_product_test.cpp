#include <doctest/doctest.h>

#include "kernels/cuda/product.h"
#include "kernels/products.h"
#include "otoscope/kernels/device.h"

namespace otoscope::kernels {
namespace {

struct OnDevice {
  Device before = use_device(Device::cuda);
  ~OnDevice() { use_device(before); }
};

/// One product of the private seam, at any size, however little it is worth the way.
double excess_of(bool ta, bool tb, float beta, bool bf16, bool kept, const int64_t* size) {
  const int64_t M = size[0], K = size[1], N = size[2];
  const auto a = random(ta ? Shape{K, M} : Shape{M, K}, "a");
  const auto b = random(tb ? Shape{N, K} : Shape{K, N}, "b");
  auto c = random(Shape{M, N}, "c");
  const auto before = c.clone();
  if (beta == 0.0f) c[0] = NAN;  // must not be read
  detail::Product p{.M = M, .K = K, .N = N, .a_transposed = ta, .b_transposed = tb};
  p.accumulate = beta == 1.0f, p.bf16 = bf16;
  const void* left = bf16 ? detail::rounded(a.data(), a.size(), true, 1) : a.data();
  if (kept) {
    const cuda::Matrix matrix(b.view(), tb, bf16);
    cuda::run(p, left, nullptr, &matrix, nullptr, c.data());
  } else {
    const void* right = bf16 ? detail::rounded(b.data(), b.size(), true, 2) : b.data();
    cuda::run(p, left, right, nullptr, nullptr, c.data());
  }
  return excess({a, ta}, {b, tb}, c, before, 1.0f, beta, bf16 ? Precision::bf16 : Precision::f32);
}

}  // namespace

TEST_CASE("a product on the device equals the sum over k, as stored or transposed, kept or sent") {
  const OnDevice device;
  for (const auto& size : kSizes)
    for (int bits = 0; bits < 32; ++bits) {
      CAPTURE(size[0]);
      CAPTURE(size[1]);
      CAPTURE(size[2]);
      CAPTURE(bits);
      CHECK(excess_of(bits & 1, bits & 2, bits & 4 ? 1.0f : 0.0f, bits & 8, bits & 16, size) <=
            1.0);
    }
}

TEST_CASE("batches, alpha and a bias are the device's too") {
  const OnDevice device;
  const auto a = random(Shape{3, 20, 24}, "a"), b = random(Shape{3, 24, 28}, "b");
  const auto bias = random(Shape{28}, "bias");
  Tensor<float> c(Shape{3, 20, 28});
  detail::Product p{.batch = 3, .M = 20, .K = 24, .N = 28, .alpha = 0.5f};
  cuda::run(p, a.data(), b.data(), nullptr, nullptr, c.data());
  for (int64_t i = 0; i < 3; ++i) {
    const View<const float> left{a.data() + i * 20 * 24, Shape{20, 24}},
        right{b.data() + i * 24 * 28, Shape{24, 28}}, result{c.data() + i * 20 * 28, Shape{20, 28}};
    CHECK(excess({left}, {right}, result, result, 0.5f, 0.0f, Precision::f32) <= 1.0);
  }
  Tensor<float> plain(Shape{20, 28}), moved(Shape{20, 28});
  p.batch = 0, p.alpha = 1.0f;
  cuda::run(p, a.data(), b.data(), nullptr, nullptr, plain.data());
  p.bias = true;
  cuda::run(p, a.data(), b.data(), nullptr, bias.data(), moved.data());
  for (int64_t i = 0; i < 20; ++i)
    for (int64_t j = 0; j < 28; ++j)
      CHECK(moved.at(i, j) == doctest::Approx(plain.at(i, j) + bias[j]).epsilon(1e-5));
}

TEST_CASE("what is worth the way goes to the device, and comes back as the CPU has it") {
  const auto x = random(Shape{1500, 512}, "x"), W = random(Shape{640, 512}, "W");
  const auto b = random(Shape{640}, "b");
  CHECK_FALSE(detail::worth_sending({.M = 1500, .K = 512, .N = 640}));
  Tensor<float> here(Shape{1500, 640}), there(Shape{1500, 640});
  Linear(W, b).forward(x, here);
  const OnDevice device;
  CHECK(detail::worth_sending({.M = 1500, .K = 512, .N = 640}));
  CHECK_FALSE(detail::worth_sending({.M = 1, .K = 512, .N = 640}));
  Linear(W, b).forward(x, there);
  for (int64_t i = 0; i < 4; ++i)  // rows spread over the whole; the first test judged every entry
    for (int64_t j = 0; j < 640; ++j)
      CHECK(there.at(i * 499, j) == doctest::Approx(here.at(i * 499, j)).epsilon(1e-4).scale(30));
}

}  // namespace otoscope::kernels
