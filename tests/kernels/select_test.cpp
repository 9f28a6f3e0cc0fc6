#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/levels.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/sparse.h"
#include "support/denormals.h"

namespace otoscope::kernels {
namespace {

/// Few distinct values, so that ties are everywhere, with NaN and infinities among them.
Tensor<float> matrix(int64_t B, int64_t F, bool ties, uint64_t seed) {
  Rng rng(seed, "select");
  Tensor<float> pre(Shape{B, F});
  for (int64_t i = 0; i < pre.size(); ++i) {
    pre[i] = static_cast<float>(rng.normal());
    if (ties) pre[i] = std::round(2 * pre[i]);
    if (ties && rng.below(10) == 0) pre[i] = NAN;
    if (ties && rng.below(50) == 0) pre[i] = INFINITY;
    if (ties && rng.below(50) == 0) pre[i] = -INFINITY;
  }
  return pre;
}

/// The definition: sort everything, keep the first n, drop what is not positive.
std::vector<int64_t> by_sorting(const float* x, int64_t count, int64_t n) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) order[static_cast<size_t>(i)] = i;
  std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
    if (std::isnan(x[i]) || std::isnan(x[j])) return !std::isnan(x[i]) && std::isnan(x[j]);
    return x[i] > x[j];
  });
  order.resize(static_cast<size_t>(n));
  std::erase_if(order, [&](int64_t i) { return !(x[i] > 0); });
  std::sort(order.begin(), order.end());
  return order;
}

SparseRows rows_of(View<const float> pre, const std::vector<std::vector<int64_t>>& kept) {
  SparseRows want;
  for (int64_t b = 0; b < pre.shape[0]; ++b) {
    for (const int64_t j : kept[static_cast<size_t>(b)]) {
      want.indices.push_back(static_cast<int32_t>(j));
      want.values.push_back(pre.at(b, j));
    }
    want.indptr.push_back(want.nnz());
  }
  return want;
}

void check_equal(const SparseRows& got, const SparseRows& want) {
  CHECK(got.indptr == want.indptr);
  CHECK(got.indices == want.indices);
  CHECK(got.values == want.values);
}

const int64_t kSizes[][3] = {{1, 1, 1},     {2, 5, 5},       {3, 16, 4},
                             {4, 33, 32},   {5, 127, 40},    {7, 1000, 32},
                             {3, 4099, 45}, {2, 4096, 4096}, {300, 700, 9}};

}  // namespace

TEST_CASE("top_k keeps what a stable sort keeps, ties and NaN included") {
  at_each_level([] {
    for (const auto& size : kSizes)
      for (const bool ties : {false, true}) {
        const int64_t B = size[0], F = size[1], k = size[2];
        CAPTURE(F);
        CAPTURE(k);
        CAPTURE(ties);
        const auto pre = matrix(B, F, ties, static_cast<uint64_t>(F));
        std::vector<std::vector<int64_t>> kept;
        for (int64_t b = 0; b < B; ++b) kept.push_back(by_sorting(pre.view().row(b), F, k));
        SparseRows got;
        top_k(pre, k, got);
        check_equal(got, rows_of(pre, kept));
      }
  });
}

TEST_CASE("top_k meets ascending, descending, constant, negative and NaN rows") {
  const otoscope::testing::WithDenormals denormals;
  at_each_level([] {
    const int64_t F = 777, k = 20;
    Tensor<float> pre(Shape{7, F});
    for (int64_t j = 0; j < F; ++j) {
      pre.at(0, j) = static_cast<float>(j + 1);
      pre.at(1, j) = static_cast<float>(F - j);
      pre.at(2, j) = 3.0f;
      pre.at(3, j) = -1.0f;
      pre.at(4, j) = NAN;
      pre.at(5, j) = j % 2 == 0 ? -0.0f : 0.0f;
      pre.at(6, j) = static_cast<float>(j + 1) * 1e-44f;  // subnormal
    }
    std::vector<std::vector<int64_t>> kept;
    for (int64_t b = 0; b < 7; ++b) kept.push_back(by_sorting(pre.view().row(b), F, k));
    SparseRows got;
    top_k(pre, k, got);
    check_equal(got, rows_of(pre, kept));
    CHECK(got.indptr == std::vector<int64_t>{0, 20, 40, 60, 60, 60, 60, 80});
  });
}

TEST_CASE("batch_top_k keeps what a stable sort of the whole matrix keeps") {
  at_each_level([] {
    for (const auto& size : kSizes)
      for (const bool ties : {false, true}) {
        const int64_t B = size[0], F = size[1], k = size[2];
        CAPTURE(F);
        CAPTURE(k);
        CAPTURE(ties);
        const auto pre = matrix(B, F, ties, static_cast<uint64_t>(F + 1));
        std::vector<std::vector<int64_t>> kept(static_cast<size_t>(B));
        for (const int64_t i : by_sorting(pre.data(), B * F, k * B))
          kept[static_cast<size_t>(i / F)].push_back(i % F);
        SparseRows got;
        batch_top_k(pre, k, got);
        check_equal(got, rows_of(pre, kept));
      }
  });
}

TEST_CASE("batch_top_k is exact where a sample of the rows misleads") {
  at_each_level([] {
    const int64_t B = 640, F = 50, k = 5;
    auto pre = matrix(B, F, false, 9);
    for (int64_t b = 0; b < B; b += B / 64)  // the rows that are looked at first
      for (int64_t j = 0; j < F; ++j) pre.at(b, j) *= 1000;
    std::vector<std::vector<int64_t>> kept(static_cast<size_t>(B));
    for (const int64_t i : by_sorting(pre.data(), B * F, k * B))
      kept[static_cast<size_t>(i / F)].push_back(i % F);
    SparseRows got;
    batch_top_k(pre, k, got);
    check_equal(got, rows_of(pre, kept));
  });
}

TEST_CASE("above_threshold keeps positive entries above their feature's threshold") {
  at_each_level([] {
    for (const int64_t F : {1, 15, 16, 17, 1000}) {
      const auto pre = matrix(5, F, true, 3);
      const auto thresholds = matrix(1, F, true, 4);
      for (const bool shared : {false, true}) {
        Tensor<float> threshold(Shape{shared ? 1 : F});
        for (int64_t j = 0; j < threshold.size(); ++j) threshold[j] = thresholds[j];
        if (shared) threshold[0] = 0.5f;
        std::vector<std::vector<int64_t>> kept(5);
        for (int64_t b = 0; b < 5; ++b)
          for (int64_t j = 0; j < F; ++j)
            if (pre.at(b, j) > 0 && pre.at(b, j) > threshold[shared ? 0 : j])
              kept[static_cast<size_t>(b)].push_back(j);
        SparseRows got;
        above_threshold(pre, threshold, got);
        check_equal(got, rows_of(pre, kept));
      }
    }
  });
}

TEST_CASE("no rows give no codes") {
  Tensor<float> none(Shape{0, 8}), zero(Shape{1});
  SparseRows got;
  top_k(none, 3, got);
  CHECK(got.rows() == 0);
  batch_top_k(none, 3, got);
  CHECK(got.rows() == 0);
  above_threshold(none, zero, got);
  CHECK(got.rows() == 0);
}

TEST_CASE("selection does not depend on the number of threads") {
  const auto pre = matrix(100, 300, true, 5);
  const int before = threads();
  SparseRows one[3], many[3];
  Tensor<float> zero(Shape{1});
  for (auto* got : {one, many}) {
    set_threads(got == one ? 1 : 3);
    top_k(pre, 20, got[0]);
    batch_top_k(pre, 20, got[1]);
    above_threshold(pre, zero, got[2]);
  }
  set_threads(before);
  for (int i = 0; i < 3; ++i) check_equal(one[i], many[i]);
}

}  // namespace otoscope::kernels
