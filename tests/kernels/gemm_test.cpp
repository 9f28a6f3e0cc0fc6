#include "otoscope/kernels/gemm.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "kernels/levels.h"
#include "kernels/products.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::kernels {

TEST_CASE("gemm equals the sum over k for every transposition, beta and precision") {
  for (const auto& size : kSizes)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const float beta : {0.0f, 1.0f})
          for (const Precision p : {Precision::f32, Precision::bf16}) {
            const int64_t M = size[0], K = size[1], N = size[2];
            CAPTURE(M);
            CAPTURE(K);
            CAPTURE(N);
            CAPTURE(ta);
            CAPTURE(tb);
            CAPTURE(beta);
            const auto a = random(ta ? Shape{K, M} : Shape{M, K}, "a");
            const auto b = random(tb ? Shape{N, K} : Shape{K, N}, "b");
            const auto before = random(Shape{M, N}, "c");
            auto c = before.clone();
            if (beta == 0.0f) c[0] = NAN;  // must not be read
            gemm({a, ta}, {b, tb}, c, beta, p);
            CHECK(excess({a, ta}, {b, tb}, c, before, 1.0f, beta, p) <= 1.0);
          }
}

TEST_CASE("batched_gemm is one product per leading index") {
  for (const auto& size : kSizes)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const float beta : {0.0f, 1.0f})
          for (const Precision p : {Precision::f32, Precision::bf16}) {
            const int64_t M = size[0], K = size[1], N = size[2];
            CAPTURE(M);
            CAPTURE(K);
            CAPTURE(N);
            CAPTURE(ta);
            CAPTURE(tb);
            CAPTURE(beta);
            const int64_t n = 3;
            const auto a = random(ta ? Shape{n, K, M} : Shape{n, M, K}, "a");
            const auto b = random(tb ? Shape{n, N, K} : Shape{n, K, N}, "b");
            const auto before = random(Shape{n, M, N}, "c");
            auto c = before.clone();
            batched_gemm({a, ta}, {b, tb}, c, 0.125f, beta, p);
            for (int64_t i = 0; i < n; ++i)
              CHECK(excess({a.view().sub(i), ta}, {b.view().sub(i), tb}, c.view().sub(i),
                           before.view().sub(i), 0.125f, beta, p) <= 1.0);
          }
}

TEST_CASE("empty products: nothing happens, and an inner size of 0 gives zeros") {
  Tensor<float> none(Shape{0, 4}), b(Shape{4, 3}), c(Shape{0, 3});
  gemm({none}, {b}, c);
  Tensor<float> a0(Shape{2, 0}), b0(Shape{0, 3}), c0(Shape{2, 3});
  c0[5] = 4.0f;
  gemm({a0}, {b0}, c0, 1.0f);
  CHECK(c0[5] == 4.0f);
  gemm({a0}, {b0}, c0, 0.0f);
  CHECK(c0[5] == 0.0f);
}

TEST_CASE("Linear is x W^T + b at every number of rows, and its vjp is dy W") {
  for (const Precision p : {Precision::f32, Precision::bf16})
    for (const auto& size : {Shape{1, 5, 3}, {7, 64, 130}, {33, 512, 48}}) {
      const int64_t rows = size[0], in = size[1], out = size[2];
      const auto W = random(Shape{out, in}, "W"), b = random(Shape{out}, "bias");
      const Linear linear(W, b, p), bare(W, {}, p);
      CHECK(linear.in() == in);
      CHECK(linear.out() == out);
      for (int64_t M = 1; M <= rows; M += 3) {
        const auto x = random(Shape{M, in}, "x"), dy = random(Shape{M, out}, "dy");
        Tensor<float> y(Shape{M, out}), want(Shape{M, out}), dx(Shape{M, in});
        for (int64_t i = 0; i < want.size(); ++i) want[i] = b[i % out];
        linear.forward(x, y);
        CHECK(excess({x}, transposed(W), y, want, 1.0f, 1.0f, p) <= 1.0);
        bare.forward(x, y);
        CHECK(excess({x}, transposed(W), y, want, 1.0f, 0.0f, p) <= 1.0);
        linear.vjp(dy, dx);
        CHECK(excess({dy}, {W}, dx, dx, 1.0f, 0.0f, p) <= 1.0);
        const auto before = random(Shape{M, in}, "dx");
        dx = before.clone();
        linear.vjp(dy, dx, true);
        CHECK(excess({dy}, {W}, dx, before, 1.0f, 1.0f, p) <= 1.0);
      }
    }
}

TEST_CASE("Linear by one thread is x W^T + b inside a parallel loop, also of gelu(x)") {
  at_each_level([] {
    for (const Precision p : {Precision::f32, Precision::bf16})
      for (const int64_t M : {0, 1, 70}) {
        constexpr int64_t n = 5;
        const auto W = random(Shape{33, 48}, "W"), b = random(Shape{33}, "b");
        const auto x = random(Shape{n, M, 48}, "x");
        const Linear linear(W, b, p);
        Tensor<float> y(Shape{n, M, 33}), z(y.shape());
        const int pool = threads();
        parallel_ranges(n, 1, [&](int64_t i, int64_t) {
          linear.forward_alone(x.view().sub(i), y.view().sub(i));
          auto lost = Tensor<float>::copy_of(x.view().sub(i));
          linear.forward_gelu_alone(lost, z.view().sub(i));
        });
        CHECK(threads() == pool);
        for (int64_t i = 0; i < n; ++i) {
          Tensor<float> start(Shape{M, 33}), of_gelu(Shape{M, 33});
          for (int64_t j = 0; j < start.size(); ++j) start[j] = b[j % 33];
          const auto own = x.view().sub(i);
          CHECK(excess({own}, transposed(W), y.view().sub(i), start, 1.0f, 1.0f, p) <= 1.0);
          auto bent = Tensor<float>::copy_of(own);
          gelu(bent, bent);
          linear.forward_alone(bent, of_gelu);
          CHECK(testing::same_bits(of_gelu, z.view().sub(i)));
        }
      }
  });
}

TEST_CASE("a Linear may be used from several threads at once, also for the first time") {
  const auto W = random(Shape{70, 48}, "W");
  for (const Precision p : {Precision::f32, Precision::bf16}) {
    const Linear linear(W, {}, p);
    std::atomic<int> wrong{0};
    std::vector<std::jthread> crew;
    for (int64_t member = 0; member < 4; ++member)
      crew.emplace_back([&, member] {
        for (int64_t M = 1; M < 12; ++M) {
          const auto x = random(Shape{M + member, 48}, "x"),
                     dy = random(Shape{M + member, 70}, "dy");
          Tensor<float> y(Shape{M + member, 70}), dx(Shape{M + member, 48});
          linear.forward(x, y);
          linear.vjp(dy, dx);
          wrong += !(excess({x}, transposed(W), y, y, 1.0f, 0.0f, p) <= 1.0);
          wrong += !(excess({dy}, {W}, dx, dx, 1.0f, 0.0f, p) <= 1.0);
        }
      });
    crew.clear();
    CHECK(wrong == 0);
  }
}

TEST_CASE("bf16 gives the same products where the CPU has no bf16 instructions") {
  const auto a = random(Shape{20, 96}, "a"), W = random(Shape{30, 96}, "W");
  Tensor<float> native(Shape{20, 30}), emulated(Shape{20, 30}), direct(Shape{20, 30});
  Linear(W, {}, Precision::bf16).forward(a, native);
  const Isa before = force_isa(Isa::avx2);
  const Linear slow(W, {}, Precision::bf16);
  gemm({a}, transposed(W), direct, 0.0f, Precision::bf16);
  slow.forward(a, emulated);
  force_isa(before);
  for (const auto* c : {&native, &emulated, &direct})
    CHECK(excess({a}, transposed(W), c->view(), c->view(), 1.0f, 0.0f, Precision::bf16) <= 1.0);
}

}  // namespace otoscope::kernels
