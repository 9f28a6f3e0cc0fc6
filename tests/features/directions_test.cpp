#include "otoscope/features/directions.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "otoscope/core/rng.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::features {
namespace {

Tensor<float> permuted(const Tensor<float>& rows, const std::vector<int64_t>& order) {
  Tensor<float> out(rows.shape());
  for (size_t i = 0; i < order.size(); ++i)
    std::copy_n(rows.view().row(order[i]), rows.shape()[1],
                out.view().row(static_cast<int64_t>(i)));
  return out;
}

}  // namespace

TEST_CASE("the best cosine of random directions is what the closed form says") {
  constexpr int64_t kD = 24, kF = 300, kTrials = 600;
  const Tensor<float> one = random_directions(kTrials, kD, 1), many = random_directions(kF, kD, 2);
  double mean = 0, above = 0;
  const Nearest nearest = nearest_directions(one, many);
  for (const float cosine : nearest.cosine_a) {
    mean += cosine / static_cast<double>(kTrials);
    above += (cosine > 0.6f) / static_cast<double>(kTrials);
  }
  // The dictionary is shared by all trials, so the tolerance is wider than sd / sqrt(trials).
  CHECK(mean == doctest::Approx(random_best_cosine(kD, kF)).epsilon(0.02));
  CHECK(std::fabs(above - random_best_above(kD, kF, 0.6)) < 0.05);
}

TEST_CASE("closed forms at the ends, in three dimensions, and against the asymptotic bound") {
  // In three dimensions a cosine is uniform on [-1, 1] (Archimedes).
  for (const double t : {-0.9, -0.2, 0.0, 0.4, 0.99})
    CHECK(random_cosine_above(3, t) == doctest::Approx((1 - t) / 2).epsilon(1e-9));
  CHECK(random_cosine_above(3, 1) == 0);
  CHECK(random_cosine_above(3, -1) == 1);
  // Largest of F uniform numbers on [-1, 1]: 1 - 2 / (F + 1).
  CHECK(random_best_cosine(3, 9) == doctest::Approx(0.8).epsilon(1e-5));
  CHECK(random_best_cosine(16, 1) == doctest::Approx(0).epsilon(1e-9));
  // sqrt(2 ln F / d) bounds it from above and is reached slowly.
  for (const auto& [d, F] : {std::pair<int64_t, int64_t>{384, 3072}, {512, 4096}, {1280, 10240}}) {
    const double bound = std::sqrt(2 * std::log(static_cast<double>(F)) / static_cast<double>(d));
    CHECK(random_best_cosine(d, F) < bound);
    CHECK(random_best_cosine(d, F) > 0.8 * bound);
  }
}

TEST_CASE("nearest and assigned directions find a permutation, over blocks of any number") {
  constexpr int64_t kF = 1100, kD = 16;
  const Tensor<float> a = random_directions(kF, kD, 3);
  Rng rng(5, "order");
  const std::vector<int64_t> order = rng.permutation(kF);
  const Tensor<float> b = permuted(a, order);
  const Nearest nearest = nearest_directions(a, b);
  for (int64_t i = 0; i < kF; ++i) {
    const int32_t j = nearest.of_a[static_cast<size_t>(i)];
    REQUIRE(order[static_cast<size_t>(j)] == i);
    CHECK(nearest.of_b[static_cast<size_t>(j)] == i);
    CHECK(nearest.cosine_a[static_cast<size_t>(i)] == doctest::Approx(1).epsilon(1e-5));
  }
  const Tensor<float> few = Tensor<float>::copy_of(a.view().slice(0, 60));
  const Assigned assigned = assign_directions(few, b);
  for (int64_t i = 0; i < 60; ++i)
    CHECK(order[static_cast<size_t>(assigned.partner[static_cast<size_t>(i)])] == i);
}

TEST_CASE("a reversed direction is assigned, with a negative cosine, and is nobody's nearest") {
  Tensor<float> a(Shape{2, 2}), b(Shape{2, 2});
  a.at(0, 0) = a.at(1, 1) = 1;
  b.at(0, 0) = -1, b.at(1, 1) = 1;
  const Assigned assigned = assign_directions(a, b);
  CHECK(assigned.partner == std::vector<int64_t>{0, 1});
  CHECK(assigned.cosine == std::vector<float>{-1, 1});
  CHECK(nearest_directions(a, b).cosine_a[0] == 0);
}

TEST_CASE("random directions like a dictionary crowd where it does") {
  // All rows lie in the plane of the first two axes.
  Tensor<float> flat(Shape{40, 20});
  Rng rng(1, "flat");
  for (int64_t i = 0; i < 40; ++i)
    for (int64_t j = 0; j < 2; ++j) flat.at(i, j) = static_cast<float>(rng.normal());
  const Tensor<float> like = random_directions_like(flat, 30, 7);
  for (int64_t i = 0; i < 30; ++i) {
    CHECK(kernels::squared_norm(like.view().sub(i)) == doctest::Approx(1).epsilon(1e-5));
    CHECK(std::hypot(like.at(i, 0), like.at(i, 1)) == doctest::Approx(1).epsilon(1e-5));
  }
  CHECK(random_directions(3, 5, 1).at(0, 0) != random_directions(3, 5, 2).at(0, 0));
}

}  // namespace otoscope::features
