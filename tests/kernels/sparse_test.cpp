#include "otoscope/kernels/sparse.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/levels.h"
#include "otoscope/core/threads.h"
#include "support/close.h"

namespace otoscope::kernels {
namespace {

/// Rows of different lengths, the first one empty; feature 2 in nearly all of them.
SparseRows codes(int64_t B, int64_t F) {
  Rng rng(41, "codes");
  SparseRows z;
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t f = 0; f < F && b > 0; ++f)
      if (f == 2 || rng.below(5) == 0) {
        z.indices.push_back(static_cast<int32_t>(f));
        z.values.push_back(static_cast<float>(rng.normal()));
      }
    z.indptr.push_back(z.nnz());
  }
  return z;
}

/// visit(b, e, f, value) for every stored entry.
template <class Visit>
void for_each(const SparseRows& z, Visit&& visit) {
  for (int64_t b = 0; b < z.rows(); ++b)
    for (int64_t e = z.indptr[static_cast<size_t>(b)]; e < z.indptr[static_cast<size_t>(b) + 1];
         ++e)
      visit(b, e, z.indices[static_cast<size_t>(e)],
            static_cast<double>(z.values[static_cast<size_t>(e)]));
}

/// A sum in double with the sum of absolute terms, which sets its tolerance.
struct Sum {
  double value = 0, size = 0;
  void add(double term) { value += term, size += std::fabs(term); }
  bool explains(float got, int64_t terms) const {
    return std::fabs(static_cast<double>(got) - value) <= testing::dot_tolerance(terms + 2, size);
  }
};

const int64_t kSizes[][3] = {{1, 3, 1}, {3, 5, 7}, {40, 33, 16}, {17, 60, 131}, {64, 90, 512}};

}  // namespace

TEST_CASE("decode, the values' gradient and the weights' gradient equal plain sums") {
  at_each_level([] {
    for (const auto& size : kSizes) {
      const int64_t B = size[0], F = size[1], d = size[2];
      const SparseRows z = codes(B, F);
      const auto W = normals(Shape{F, d}, "W"), bias = normals(Shape{d}, "bias");
      const auto dy = normals(Shape{B, d}, "dy"), start = normals(Shape{F, d}, "dW");
      Tensor<float> y(Shape{B, d}), bare(Shape{B, d});
      sparse_decode(z, W, bias, y);
      sparse_decode(z, W, {}, bare);
      std::vector<float> dval;
      sparse_decode_vjp_values(z, W, dy, dval);
      auto dW = start.clone();
      sparse_outer(transpose(z, F), z.values, dy, dW);

      std::vector<Sum> decoded(static_cast<size_t>(B * d)), gradient(static_cast<size_t>(F * d));
      for (int64_t i = 0; i < F * d; ++i) gradient[static_cast<size_t>(i)].add(start[i]);
      for_each(z, [&](int64_t b, int64_t e, int64_t f, double value) {
        Sum inner;
        for (int64_t i = 0; i < d; ++i) {
          decoded[static_cast<size_t>(b * d + i)].add(value * W.at(f, i));
          gradient[static_cast<size_t>(f * d + i)].add(value * dy.at(b, i));
          inner.add(static_cast<double>(dy.at(b, i)) * W.at(f, i));
        }
        CHECK(inner.explains(dval[static_cast<size_t>(e)], d));
      });
      for (int64_t i = 0; i < B * d; ++i) {
        CHECK(decoded[static_cast<size_t>(i)].explains(bare[i], F));
        decoded[static_cast<size_t>(i)].add(bias[i % d]);
        CHECK(decoded[static_cast<size_t>(i)].explains(y[i], F + 1));
      }
      for (int64_t i = 0; i < F * d; ++i)
        CHECK(gradient[static_cast<size_t>(i)].explains(dW[i], B + 1));
    }
  });
}

TEST_CASE("transpose lists each feature's entries in the order of rows") {
  const SparseRows z = codes(30, 11);
  const SparseColumns columns = transpose(z, 12);  // feature 11 never occurs
  REQUIRE(columns.indptr.size() == 13);
  CHECK(columns.indptr[11] == columns.indptr[12]);
  CHECK(columns.indptr[12] == z.nnz());
  std::vector<std::vector<std::pair<int32_t, int64_t>>> want(12);
  for_each(z, [&](int64_t b, int64_t e, int64_t f, double) {
    want[static_cast<size_t>(f)].push_back({static_cast<int32_t>(b), e});
  });
  for (size_t f = 0; f < 12; ++f) {
    const auto first = static_cast<size_t>(columns.indptr[f]);
    REQUIRE(static_cast<size_t>(columns.indptr[f + 1]) - first == want[f].size());
    for (size_t i = 0; i < want[f].size(); ++i) {
      CHECK(columns.rows[first + i] == want[f][i].first);
      CHECK(columns.entry[first + i] == want[f][i].second);
    }
  }
}

TEST_CASE("no codes: decode gives the bias and gradients stay as they are") {
  SparseRows none;
  none.indptr.assign(4, 0);
  const auto W = normals(Shape{5, 8}, "W"), bias = normals(Shape{8}, "bias");
  Tensor<float> y(Shape{3, 8}), dW(Shape{5, 8});
  sparse_decode(none, W, bias, y);
  for (int64_t i = 0; i < y.size(); ++i) CHECK(y[i] == bias[i % 8]);
  sparse_outer(transpose(none, 5), {}, y, dW);
  for (int64_t i = 0; i < dW.size(); ++i) CHECK(dW[i] == 0);
  std::vector<float> dval(3);
  sparse_decode_vjp_values(none, W, y, dval);
  CHECK(dval.empty());
}

TEST_CASE("sparse sums do not depend on the number of threads") {
  const int before = threads();
  const SparseRows z = codes(300, 50);
  const auto W = normals(Shape{50, 64}, "W"), dy = normals(Shape{300, 64}, "dy");
  std::vector<Tensor<float>> results;
  for (const int n : {1, 3}) {
    set_threads(n);
    Tensor<float> y(Shape{300, 64}), dW(Shape{50, 64});
    sparse_decode(z, W, {}, y);
    sparse_outer(transpose(z, 50), z.values, dy, dW);
    results.push_back(std::move(y));
    results.push_back(std::move(dW));
  }
  set_threads(before);
  for (int64_t i = 0; i < results[0].size(); ++i) CHECK(results[0][i] == results[2][i]);
  for (int64_t i = 0; i < results[1].size(); ++i) CHECK(results[1][i] == results[3][i]);
}

}  // namespace otoscope::kernels
