#include "otoscope/eval/batch_mode.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "otoscope/core/rng.h"

namespace otoscope::eval {
namespace {

/// x and y read through unit directions: codes are the positive coordinates.
sae::Sae axes(int64_t d, float threshold) {
  sae::Sae s;
  s.W_enc = Tensor<float>(Shape{d, d});
  s.W_dec = Tensor<float>(Shape{d, d});
  s.b_enc = Tensor<float>(Shape{d});
  s.b_dec = Tensor<float>(Shape{d});
  s.threshold = Tensor<float>(Shape{d});
  for (int64_t j = 0; j < d; ++j) {
    s.W_enc.at(j, j) = s.W_dec.at(j, j) = 1;
    s.threshold[j] = threshold;
  }
  s.activation = sae::Activation::jumprelu;
  return s;
}

}  // namespace

TEST_CASE("a batch shares its codes among its rows") {
  // k 1, batches of both rows: the two largest of the four numbers stay, both of the first row.
  Tensor<float> x(Shape{2, 2});
  x[0] = 3, x[1] = 2, x[2] = 1, x[3] = .5f;
  const Sample sample = Sample::of_matrix(x);
  const Moments moments = moments_of(sample);
  const BatchMode both = measure_batch_mode(axes(2, 0), 1, sample, sample, moments, {}, 2);
  const double scatter = 2 * (1 + .75 * .75);
  CHECK(both.fvu.value == doctest::Approx((1 + .25) / scatter));
  CHECK(both.l0.value == 1.0);
  CHECK(both.batch == 2);
  // Batches of one row are TopK: 3 and 1 stay.
  const BatchMode one = measure_batch_mode(axes(2, 0), 1, sample, sample, moments, {}, 1);
  CHECK(one.fvu.value == doctest::Approx((4 + .25) / scatter));
}

TEST_CASE("one batch of all rows is what the threshold between its codes gives") {
  constexpr int64_t kRows = 500, kWidth = 12;
  Tensor<float> x(Shape{kRows, kWidth});
  std::vector<int32_t> cluster;
  std::vector<float> values;
  Rng rng(3, "batch mode");
  for (int64_t b = 0; b < kRows; ++b) {
    cluster.push_back(static_cast<int32_t>(b / 20));
    for (int64_t j = 0; j < kWidth; ++j) {
      x.at(b, j) = static_cast<float>(rng.normal());
      values.push_back(x.at(b, j));
    }
  }
  std::sort(values.begin(), values.end(), std::greater<>());
  const size_t kept = 3 * kRows;
  const float threshold = (values[kept - 1] + values[kept]) / 2;
  const sae::Sae s = axes(kWidth, threshold);
  const Sample sample = Sample::of_matrix(x, cluster);
  const Moments moments = moments_of(sample);
  const Fidelity by_threshold = measure_fidelity(SaeReconstructor(s), sample, sample, moments);
  const BatchMode by_batch = measure_batch_mode(s, 3, sample, sample, moments, {}, 0);
  CHECK(by_batch.batch == kRows);
  CHECK(by_batch.fvu.value == doctest::Approx(by_threshold.fvu.value).epsilon(1e-9));
  CHECK(by_batch.fvu.low == doctest::Approx(by_threshold.fvu.low).epsilon(1e-9));
  CHECK(by_batch.l0.value == 3.0);
  // Smaller batches share less: the codes of a batch are no better than those of all rows.
  const BatchMode small = measure_batch_mode(s, 3, sample, sample, moments, {}, 7);
  CHECK(small.fvu.value > by_batch.fvu.value);
  CHECK(measure_batch_mode(s, 3, sample, sample, moments, {}, 7).fvu.value == small.fvu.value);
}

TEST_CASE("only an SAE that selected over batches has a batch mode") {
  sae::Sae s = axes(40, 0);
  CHECK(batch_k(s) == 0);
  s.otoscope = R"({"options": {"arch": "batchtopk", "k": 32}})";
  CHECK(batch_k(s) == 32);
  s.otoscope = R"({"options": {"arch": "matryoshka", "k": 64}})";
  CHECK(batch_k(s) == 40);
  for (const char* other :
       {R"({"options": {"arch": "topk", "k": 32}})", R"({"options": {"arch": "batchtopk"}})",
        R"({"options": {"arch": "batchtopk", "k": "many"}})", "[]", "{"}) {
    s.otoscope = other;
    CHECK(batch_k(s) == 0);
  }
}

}  // namespace otoscope::eval
