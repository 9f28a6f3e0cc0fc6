#include "otoscope/eval/fidelity.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <numeric>

#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"
#include "otoscope/eval/pca.h"
#include "support/errors.h"

namespace otoscope::eval {
namespace {

constexpr int64_t kRows = 1500, kWidth = 24, kClusters = 30;

/// Rows with an offset, unequal variances and clusters of unequal size.
struct Data {
  Tensor<float> x{Shape{kRows, kWidth}};
  std::vector<int32_t> cluster;
  Data() {
    Rng rng(1, "data");
    for (int64_t b = 0; b < kRows; ++b) {
      cluster.push_back(static_cast<int32_t>(rng.below(kClusters)));
      for (int64_t j = 0; j < kWidth; ++j)
        x.at(b, j) =
            static_cast<float>(1.5 + (j % 5 + 1) * .3 * rng.normal() + .1 * cluster.back());
    }
  }
  Sample sample() const { return Sample::of_matrix(x, cluster); }
};

/// xhat = a x + c, with a code of three features that fire by simple rules.
class Affine : public Reconstructor {
 public:
  Affine(float a, float c) : a_(a), c_(c) {}
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override {
    codes.clear();
    for (int64_t b = 0; b < x.rows(); ++b) {
      for (int64_t j = 0; j < x.width(); ++j) xhat.at(b, j) = a_ * x.at(b, j) + c_;
      codes.indices.push_back(0);
      codes.values.push_back(2.0f);
      if (x.at(b, 0) > 3.0f) codes.indices.push_back(2), codes.values.push_back(0.5f);
      codes.indptr.push_back(codes.nnz());
    }
  }
  int64_t d_out() const override { return kWidth; }
  int64_t features() const override { return 4; }
  std::span<const float> decoder_norms() const override { return norms_; }

 private:
  float a_, c_;
  std::vector<float> norms_{1.0f, 1.0f, 3.0f, 1.0f};
};

Fidelity measure(const Reconstructor& model, const Data& data, FidelityOptions options = {}) {
  const Sample sample = data.sample();
  return measure_fidelity(model, sample, sample, moments_of(sample), options);
}

}  // namespace

TEST_CASE("the mean predictor explains nothing, the identity everything") {
  const Data data;
  const Moments m = moments_of(data.sample());
  const Fidelity mean =
      measure(ConstantReconstructor(std::vector<float>(m.mean.begin(), m.mean.end())), data);
  CHECK(mean.fvu.value == doctest::Approx(1).epsilon(1e-9));
  CHECK(mean.ev_var == doctest::Approx(0).epsilon(1e-9));
  CHECK(mean.ev_token_legacy == doctest::Approx(0).epsilon(1e-9));
  CHECK(mean.ev_without_top_variance == doctest::Approx(0).epsilon(1e-7));
  CHECK(mean.l0.value == 0.0);

  const Fidelity identity = measure(IdentityReconstructor(kWidth), data);
  CHECK(identity.fvu.value == 0.0);
  CHECK(identity.fvu.high == 0.0);
  CHECK(identity.cosine.value == doctest::Approx(1));
  CHECK(identity.bias.value == doctest::Approx(1));
  CHECK(identity.ev_without_top_variance == 1.0);
  CHECK(identity.l0.value == kWidth);
}

TEST_CASE("a constant offset costs explained variance, except to the blind variant") {
  const Data data;
  const Fidelity f = measure(Affine(1.0f, 0.5f), data);
  const Moments m = moments_of(data.sample());
  // ||r||^2 = d c^2 for every row.
  CHECK(f.fvu.value == doctest::Approx(kWidth * .25 / m.variance).epsilon(1e-6));
  CHECK(f.mse.value == doctest::Approx(kWidth * .25).epsilon(1e-6));
  CHECK(f.nmse.value == doctest::Approx(kWidth * .25 / m.squared_norm).epsilon(1e-6));
  CHECK(f.ev_var == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("shrinkage has its closed form in every measure") {
  const Data data;
  const Fidelity f = measure(Affine(0.75f, 0.0f), data);
  const Moments m = moments_of(data.sample());
  CHECK(f.fvu.value == doctest::Approx(.0625 * m.squared_norm / m.variance).epsilon(1e-6));
  CHECK(f.cosine.value == doctest::Approx(1).epsilon(1e-7));
  CHECK(f.l2_ratio.value == doctest::Approx(.75).epsilon(1e-6));
  CHECK(f.bias.value == doctest::Approx(.75).epsilon(1e-6));
  CHECK(f.ev_var == doctest::Approx(1 - .0625).epsilon(1e-6));
}

TEST_CASE("sparsity counts what fired") {
  const Data data;
  int64_t above = 0;
  for (int64_t b = 0; b < kRows; ++b) above += data.x.at(b, 0) > 3.0f ? 1 : 0;
  const double share = static_cast<double>(above) / kRows;
  const Fidelity f = measure(Affine(1, 0), data);
  CHECK(f.features == 4);
  CHECK(f.fired == std::vector<int64_t>{kRows, 0, above, 0});
  CHECK(f.l0.value == doctest::Approx(1 + share));
  CHECK(f.l1.value == doctest::Approx(2 + .5 * 3 * share));
  CHECK(f.dead == .5);
  CHECK(share > .2);
  CHECK(share < .6);
  CHECK(f.dense == .5);
  CHECK(f.always == .25 + (share > .5 ? .25 : 0));
  CHECK(f.l0_quantiles[0] == 1);
  CHECK(f.l0_quantiles[2] == 2);
  CHECK(f.rate_histogram.size() == 50);
  CHECK(f.rate_histogram[0] == 2);   // never fired: log10(1e-10) = -10
  CHECK(f.rate_histogram[49] == 1);  // always
  double weighted = 0;
  for (const double l0 : f.l0_by_energy) weighted += l0 / 10;
  CHECK(weighted == doctest::Approx(f.l0.value));
}

TEST_CASE("rows measured by themselves give what a sample of them alone gives") {
  const Data data;
  Part part;
  Tensor<float> some(Shape{kRows / 3, kWidth});
  std::vector<int32_t> cluster;
  for (int64_t b = 0; b < kRows; b += 3) {
    part.rows.push_back(b);
    std::copy_n(data.x.view().row(b), kWidth, some.view().row(b / 3));
    cluster.push_back(data.cluster[static_cast<size_t>(b)]);
  }
  const Sample all = data.sample(), alone = Sample::of_matrix(some, cluster);
  REQUIRE(alone.clusters() == all.clusters());
  part.moments = moments_of(all, part.rows);
  const Affine model(.8f, .2f);
  FidelityOptions options;
  options.speech = &part;
  const Fidelity got = measure_fidelity(model, all, all, moments_of(all), options);
  const Fidelity want = measure_fidelity(model, alone, alone, moments_of(alone));
  REQUIRE(got.speech);
  CHECK(got.speech->rows == kRows / 3);
  CHECK(got.speech->fvu.value == want.fvu.value);
  CHECK(got.speech->fvu.low == want.fvu.low);
  CHECK(got.speech->l0.value == want.l0.value);
  CHECK(got.fvu.value != want.fvu.value);
  CHECK_FALSE(want.speech);
}

TEST_CASE("batches of 7, 64 and 1000 rows and any number of threads give the same digits") {
  const Data data;
  const int before = threads();
  const Fidelity want = measure(Affine(.9f, .1f), data, {.batch = 64});
  for (const int64_t batch : {7, 1000, 100000}) {
    set_threads(batch == 7 ? 1 : 3);
    const Fidelity got = measure(Affine(.9f, .1f), data, {.batch = batch});
    CHECK(got.fvu.value == want.fvu.value);
    CHECK(got.fvu.low == want.fvu.low);
    CHECK(got.cosine.value == want.cosine.value);
    CHECK(got.ev_var == want.ev_var);
    CHECK(got.ev_token_legacy == want.ev_token_legacy);
    CHECK(got.ev_without_top_variance == want.ev_without_top_variance);
    CHECK(got.l0_by_energy == want.l0_by_energy);
    CHECK(got.fvu_by_energy == want.fvu_by_energy);
  }
  set_threads(before);
}

TEST_CASE("the scatter of a resample is what a direct count gives") {
  const Data data;
  const Moments m = moments_of(data.sample());
  Rng rng(4, "draw");
  std::vector<int32_t> times(static_cast<size_t>(m.cluster_rows.size()));
  for (auto& t : times) t = static_cast<int32_t>(rng.below(3));
  std::vector<double> mean(kWidth, 0.0);
  double count = 0, direct = 0;
  for (int64_t b = 0; b < kRows; ++b) {
    const double t = times[static_cast<size_t>(data.cluster[static_cast<size_t>(b)])];
    count += t;
    for (int64_t j = 0; j < kWidth; ++j) mean[static_cast<size_t>(j)] += t * data.x.at(b, j);
  }
  for (auto& v : mean) v /= count;
  for (int64_t b = 0; b < kRows; ++b)
    for (int64_t j = 0; j < kWidth; ++j) {
      const double delta = data.x.at(b, j) - mean[static_cast<size_t>(j)];
      direct += times[static_cast<size_t>(data.cluster[static_cast<size_t>(b)])] * delta * delta;
    }
  CHECK(m.scatter(times) == doctest::Approx(direct).epsilon(1e-9));
  const std::vector<int32_t> once(m.cluster_rows.size(), 1);
  CHECK(m.scatter(once) == doctest::Approx(m.variance * kRows).epsilon(1e-9));
}

TEST_CASE("PCA: its residual is the sum of the variances it leaves out") {
  const Data data;
  const Sample sample = data.sample();
  const Moments m = moments_of(sample);
  const Pca pca = fit_pca(sample);
  const double total = std::accumulate(pca.variance.begin(), pca.variance.end(), 0.0);
  CHECK(total == doctest::Approx(m.variance).epsilon(1e-5));
  for (const int64_t k : {0, 1, 5, 24}) {
    CAPTURE(k);
    const Fidelity f = measure(PcaReconstructor(pca, k), data);
    const double left = std::accumulate(pca.variance.begin() + k, pca.variance.end(), 0.0);
    CHECK(f.fvu.value == doctest::Approx(left / total).epsilon(1e-5));
    CHECK(f.l0.value == static_cast<double>(k));
    if (k > 0) CHECK(components_for_fvu(pca, sample, m, f.fvu.value + 1e-5) == k);
  }
}

TEST_CASE("widths that do not fit are refused in one line") {
  const Data data;
  CHECK(testing::error_of([&] { measure(IdentityReconstructor(7), data); }) ==
        "[eval] expected reconstructions of width 24, got 7. Hint: the SAE belongs to another site "
        "or model.");
}

}  // namespace otoscope::eval
