#include "otoscope/kernels/screened.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/levels.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::kernels {
namespace {

/// Every score by the fixed-order kernel, then the plain selection.
SparseRows plain(View<const float> x, View<const float> W, View<const float> b, int64_t k,
                 bool batch) {
  const int64_t B = x.shape[0], F = W.shape[0], d = W.shape[1];
  Tensor<float> scores(Shape{B, F});
  for (int64_t r = 0; r < B; ++r)
    for (int64_t j = 0; j < F; ++j)
      scores.at(r, j) = dot(x.row(r), W.row(j), d) + (b.empty() ? 0.0f : b.data[j]);
  SparseRows out;
  batch ? batch_top_k(scores, k, out) : top_k(scores, k, out);
  return out;
}

int64_t check_same(View<const float> x, View<const float> W, View<const float> b, int64_t k) {
  const ScreenedTopK screened(W, b);
  int64_t decided = 0;
  for (const bool batch : {true, false}) {
    SparseRows got;
    decided = batch ? screened.batch_top_k(x, k, got) : screened.top_k(x, k, got);
    const SparseRows want = plain(x, W, b, k, batch);
    CHECK(got.indptr == want.indptr);
    CHECK(got.indices == want.indices);
    CHECK(got.values == want.values);
  }
  return decided;
}

}  // namespace

TEST_CASE("screened top-k is exactly the fp32 top-k") {
  at_each_level([] {
    for (const auto& size :
         {Shape{3, 1, 1, 1}, {5, 7, 40, 3}, {33, 64, 700, 20}, {9, 512, 4096, 32}}) {
      const int64_t B = size[0], d = size[1], F = size[2], k = size[3];
      const auto x = normals(Shape{B, d}, "x"), b = normals(Shape{F}, "b");
      auto W = normals(Shape{F, d}, "W");
      for (int64_t j = 0; j < F; ++j)  // features of very different lengths
        for (int64_t i = 0; i < d; ++i) W.at(j, i) *= static_cast<float>(1 + j % 5);
      check_same(x, W, b, k);
      check_same(x, W, {}, k);
    }
  });
}

TEST_CASE("screened top-k decides few scores where scores are spread") {
  const auto x = normals(Shape{20, 512}, "x"), W = normals(Shape{4096, 512}, "W");
  const int64_t decided = check_same(x, W, {}, 32);
  CHECK(decided >= 20 * 32);
  if (active_isa() != Isa::scalar) CHECK(decided <= 20 * 80);
}

TEST_CASE("screened top-k keeps ties, near-ties and duplicates apart as fp32 does") {
  at_each_level([] {
    const int64_t F = 600, d = 96;
    const auto x = normals(Shape{12, d}, "x");
    auto W = normals(Shape{F, d}, "W");
    for (int64_t j = 1; j < F; ++j)  // groups of equal rows, and of rows one rounding apart
      for (int64_t i = 0; i < d; ++i) {
        if (j % 6 != 0) W.at(j, i) = W.at(j - 1, i);
        if (j % 6 == 4 && i == 0) W.at(j, i) = std::nextafter(W.at(j, i), 10.0f);
      }
    check_same(x, W, {}, 13);
  });
}

TEST_CASE("screened top-k meets NaN, infinities, zeros and huge values") {
  at_each_level([] {
    const int64_t F = 300, d = 64;
    auto x = normals(Shape{8, d}, "x"), W = normals(Shape{F, d}, "W");
    auto b = normals(Shape{F}, "b");
    x.at(0, 3) = NAN;
    x.at(1, 3) = INFINITY;
    for (int64_t i = 0; i < d; ++i) {
      x.at(2, i) = 0;
      x.at(3, i) *= 1e-41f;
      x.at(4, i) *= 1e35f;
      W.at(7, i) = 0;
    }
    W.at(5, 0) = NAN;
    b[9] = NAN;
    check_same(x, W, b, 10);
    b[10] = 1e30f;
    check_same(x, W, b, 10);
    W.at(6, 1) = INFINITY;
    check_same(x, W, b, 10);
    b[11] = INFINITY;
    check_same(x, W, b, 10);
  });
}

TEST_CASE("screened batch top-k is exact where its guess is good, and where it misleads") {
  at_each_level([] {
    const auto W = normals(Shape{500, 48}, "W");
    auto x = normals(Shape{320, 48}, "x");
    check_same(x, W, {}, 7);
    for (int64_t b = 0; b < 320; b += 5)  // the rows that are looked at first
      for (int64_t i = 0; i < 48; ++i) x.at(b, i) *= 1000;
    check_same(x, W, {}, 7);
  });
}

TEST_CASE("screened top-k of no rows is empty") {
  const auto W = normals(Shape{10, 4}, "W");
  SparseRows got;
  CHECK(ScreenedTopK(W, {}).top_k(Tensor<float>(Shape{0, 4}), 3, got) == 0);
  CHECK(got.rows() == 0);
}

}  // namespace otoscope::kernels
