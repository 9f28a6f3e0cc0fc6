#include "otoscope/kernels/packed_right.h"

#include <doctest/doctest.h>

#include <vector>

#include "kernels/levels.h"
#include "kernels/products.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::kernels {

using testing::same_bits;

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
          at_each_level([&] {
            auto c = before.clone();
            c[0] = NAN;  // must not be read
            PackedRight({b, transposed}, p, scale).multiply(a, c);
            CHECK(excess({a}, {b, transposed}, c, before, scale, 0.0f, p) <= 1.0);
          });
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
    CHECK(same_bits(alone, together));
    CHECK(threads() == pool);
  }
}

TEST_CASE("attend has the bits of its two products with softmax between them") {
  constexpr int64_t kShapes[][4] = {// queries, width, keys, width of a value
                                    {1, 64, 5, 64},
                                    {40, 64, 150, 64},
                                    {33, 32, 97, 16},
                                    {20, 80, 33, 70},
                                    {32, 64, 128, 64}};
  for (const auto& [M, d, S, d_v] : kShapes)
    for (const Precision p : {Precision::f32, Precision::bf16})
      for (const int64_t seen : {S, int64_t{1}, S / 2}) {
        CAPTURE(M);
        CAPTURE(S);
        CAPTURE(seen);
        const auto q = random(Shape{M, d}, "q"), k = random(Shape{S, d}, "k"),
                   v = random(Shape{S, d_v}, "v");
        at_each_level([&] {
          const PackedRight keys({k, true}, p, 0.125f), values({v}, p);
          Tensor<float> scores(Shape{M, S}), want(Shape{M, d_v}), got(Shape{M, d_v});
          keys.multiply(q, scores);
          for (int64_t i = 0; i < M; ++i)
            for (int64_t s = seen + i; s < S; ++s) scores.at(i, s) = -INFINITY;
          softmax(scores, scores);
          values.multiply(scores, want);
          attend(q, keys, values, seen, got);
          CHECK(same_bits(want, got));
          for (int64_t j = 0; seen == 1 && j < d_v; ++j)  // the first query sees one key alone
            CHECK(std::fabs(got.at(0, j) - v.at(0, j)) <= std::fabs(v.at(0, j)) * 0x1p-8f);
        });
      }
}

}  // namespace otoscope::kernels
