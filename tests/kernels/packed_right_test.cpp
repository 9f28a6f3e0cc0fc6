#include "otoscope/kernels/packed_right.h"

#include <doctest/doctest.h>

#include <bit>
#include <vector>

#include "kernels/products.h"
#include "otoscope/core/threads.h"

namespace otoscope::kernels {

TEST_CASE("a packed right-hand side gives the sum over k, times its scale") {
  for (const auto& size : kSizes)
    for (const bool transposed : {false, true})
      for (const float scale : {1.0f, 0.125f})
        for (const Precision p : {Precision::f32, Precision::bf16}) {
          const int64_t M = size[0], K = size[1], N = size[2];
          CAPTURE(M);
          CAPTURE(K);
          CAPTURE(N);
          CAPTURE(transposed);
          const auto a = random(Shape{M, K}, "a");
          const auto b = random(transposed ? Shape{N, K} : Shape{K, N}, "b");
          const Tensor<float> before(Shape{M, N});
          auto c = before.clone();
          c[0] = NAN;  // must not be read
          PackedRight({b, transposed}, p, scale).multiply(a, c);
          CHECK(excess({a}, {b, transposed}, c, before, scale, 0.0f, p) <= 1.0);
        }
}

TEST_CASE("threads multiply by packed right-hand sides side by side, with the bits of one") {
  constexpr int64_t n = 12, M = 48, K = 64, N = 150;
  const auto a = random(Shape{n, M, K}, "a"), b = random(Shape{n, N, K}, "b");
  const int pool = threads();  // as large afterwards
  for (const Precision p : {Precision::f32, Precision::bf16}) {
    Tensor<float> alone(Shape{n, M, N}), together(Shape{n, M, N});
    const auto product = [&](int64_t i, Tensor<float>& c) {
      const PackedRight right({b.view().sub(i), true}, p, 0.125f);
      right.multiply(a.view().sub(i), c.view().sub(i));
    };
    for (int64_t i = 0; i < n; ++i) product(i, alone);
    parallel_ranges(n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) product(i, together);
    });
    int64_t other = 0;
    for (int64_t i = 0; i < alone.size(); ++i)
      other += std::bit_cast<uint32_t>(alone[i]) != std::bit_cast<uint32_t>(together[i]) ? 1 : 0;
    CHECK(other == 0);
    CHECK(threads() == pool);
  }
}

}  // namespace otoscope::kernels
