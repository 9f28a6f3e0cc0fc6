// Crosscoders and cross-layer transcoders: gradients, and the norm that crosscoders are held at.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "otoscope/core/isa.h"
#include "otoscope/core/threads.h"
#include "sae/problem.h"
#include "sae/train/optimizer.h"
#include "sae/train/summed_norm.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;
using sae::reference::Parameters;

namespace {

std::vector<double>* part(Parameters<double>& p, int which) {
  std::vector<double>* parts[] = {&p.W_enc, &p.W_dec, &p.b_enc, &p.b_dec};
  return parts[which];
}

}  // namespace

TEST_CASE("gradients over several sites agree with central differences") {
  for (const char* name : {"batchtopk", "topk"})
    for (const bool cross_layer : {true, false}) {
      CAPTURE(name);
      CAPTURE(cross_layer);
      constexpr int64_t kWidth = 4, kSites = 3, kFeatures = 12;
      auto q = make_joint_problem<double>(name, 21, 7, kWidth, kSites, kFeatures, cross_layer);
      const auto at = sae::reference::run(q.p, q.options, q.state, q.x, q.y);
      REQUIRE(at.total > 0);
      REQUIRE(at.auxiliary > 0);
      const double h = 1e-5;
      for (int which = 0; which < 4; ++which) {
        auto gradient = at.gradient;
        double worst = 0, scale = 0;
        for (size_t i = 0; i < part(q.p, which)->size(); ++i) {
          const auto shifted = [&](double by) {
            auto moved = q.p;
            (*part(moved, which))[i] += by;
            return sae::reference::run(moved, q.options, q.state, q.x, q.y, at.frozen).total;
          };
          const double slope = (shifted(h) - shifted(-h)) / (2 * h);
          scale = std::max(scale, std::fabs(slope));
          const double difference = std::fabs(slope - (*part(gradient, which))[i]);
          if (!(difference <= worst)) worst = std::isnan(difference) ? INFINITY : difference;
        }
        CAPTURE(which);
        CHECK(scale > 1e-3);
        CHECK(worst <= 1e-6 * scale);
      }
      // What a layer's features do not write has no gradient.
      for (int64_t f = 0; cross_layer && f < kSites * kFeatures; ++f)
        for (int64_t i = 0; i < f / kFeatures * kWidth; ++i)
          CHECK(at.gradient.W_dec[static_cast<size_t>(f * kSites * kWidth + i)] == 0);
    }
}

TEST_CASE("the fast losses over several sites agree with the reference at every instruction set") {
  for (const Isa isa : kIsas) {
    const Isa before = force_isa(isa);
    for (const char* name : {"batchtopk", "topk"})
      for (const bool cross_layer : {true, false}) {
        CAPTURE(name);
        CAPTURE(std::string(isa_name(isa)));
        CAPTURE(cross_layer);
        constexpr int64_t kRows = 130, kWidth = 35, kSites = 3, kFeatures = 40;
        const auto q =
            make_joint_problem<double>(name, 22, kRows, kWidth, kSites, kFeatures, cross_layer);
        const auto want = sae::reference::run(q.p, q.options, q.state, q.x, q.y);
        const sae::Sae s = as_sae(q.p);
        sae::Gradients got(s);
        for (Tensor<float>* stale : {&got.W_enc, &got.W_dec})
          for (int64_t i = 0; i < stale->size(); ++i) (*stale)[i] = 1e9f;
        const auto loss = sae::make_loss(q.options, s.d(), s.d_out(), s.F());
        const Shape wide{kRows, kSites * kWidth};
        const auto terms = loss->run(s, as_tensor(q.x, wide), as_tensor(q.y, wide), q.state, got);
        CHECK(terms.total == doctest::Approx(want.total).epsilon(1e-5));
        CHECK(terms.auxiliary == doctest::Approx(want.auxiliary).epsilon(1e-4));
        CHECK(terms.l0 == doctest::Approx(want.l0).epsilon(1e-9));
        CHECK_CLOSE(whole(got.W_enc, got.touched), as_tensor(want.gradient.W_enc, {s.F(), s.d()}),
                    2e-5);
        CHECK_CLOSE(whole(got.W_dec, got.touched),
                    as_tensor(want.gradient.W_dec, {s.F(), s.d_out()}), 2e-5);
        CHECK_CLOSE(got.b_enc, as_tensor(want.gradient.b_enc, {s.F()}), 2e-5);
        CHECK_CLOSE(got.b_dec, as_tensor(want.gradient.b_dec, {s.d_out()}), 2e-5);
        for (size_t f = 0; f < static_cast<size_t>(s.F()); ++f) {
          bool fires = false;
          for (size_t b = 0; b < kRows; ++b)
            fires |= want.codes[b * static_cast<size_t>(s.F()) + f] > 0;
          CHECK((loss->fired()[f] != 0) == fires);
        }
      }
    force_isa(before);
  }
}

TEST_CASE("a crosscoder's gradient leaves the sum of norms alone, and its rows return to it") {
  Rng rng(24, "summed norm");
  constexpr int64_t kFeatures = 20, kSites = 3, kWidth = 7;
  Tensor<float> D({kFeatures, kSites * kWidth}), G(D.shape());
  for (int64_t i = 0; i < D.size(); ++i)
    D[i] = static_cast<float>(rng.normal()), G[i] = static_cast<float>(rng.normal());
  for (int64_t i = 0; i < kWidth; ++i) D.at(3, kWidth + i) = 0;  // a feature of two sites only
  sae::normalize_summed_norm(D, kSites);
  const auto summed = [&](const Tensor<float>& W, int64_t f) {
    double sum = 0;
    for (int64_t s = 0; s < kSites; ++s) {
      double squares = 0;
      for (int64_t i = 0; i < kWidth; ++i) squares += std::pow(double(W.at(f, s * kWidth + i)), 2);
      sum += std::sqrt(squares);
    }
    return sum;
  };
  std::vector<int32_t> rows;
  for (int32_t f = 0; f < kFeatures; f += 1) rows.push_back(f);
  const Tensor<float> before = G.clone();
  sae::project_out_summed_norm(G, D, kSites, {rows.data(), Shape{kFeatures}});
  for (int64_t f = 0; f < kFeatures; ++f) {
    CHECK(summed(D, f) == doctest::Approx(std::sqrt(3.0)).epsilon(1e-6));
    if (f == 3) continue;  // its zero block has no direction yet
    // The slope of the sum along what is left is 0, along what came in it was not.
    const auto slope = [&](const Tensor<float>& along) {
      const double h = 1e-3;
      Tensor<float> up = D.clone(), down = D.clone();
      for (int64_t i = 0; i < kSites * kWidth; ++i) {
        up.at(f, i) += static_cast<float>(h * along.at(f, i));
        down.at(f, i) -= static_cast<float>(h * along.at(f, i));
      }
      return (summed(up, f) - summed(down, f)) / (2 * h);
    };
    CHECK(std::fabs(slope(G)) < 2e-4);
    double removed = 0;
    for (int64_t i = 0; i < kSites * kWidth; ++i)
      removed += std::pow(double(G.at(f, i)) - before.at(f, i), 2);
    CHECK(std::sqrt(removed) ==
          doctest::Approx(std::fabs(slope(before)) / std::sqrt(3.0)).epsilon(0.02));
  }
  const Tensor<float> norms = sae::site_norms(D, kSites);
  CHECK(norms.at(3, 1) == 0);
}

TEST_CASE(
    "after a step of the optimiser a crosscoder's rows have the sum of norms that ranks them") {
  const auto q = make_joint_problem<float>("batchtopk", 25, 60, 8, 2, 24, false);
  sae::Sae s = as_sae(q.p);
  sae::normalize_summed_norm(s.W_dec, 2);
  sae::Gradients g(s);
  const auto loss = sae::make_loss(q.options, s.d(), s.d_out(), s.F());
  sae::Optimizer optimizer(s, g, true, false, 2);
  const auto x = as_tensor(q.x, {60, 16});
  const Tensor<float> first = s.W_dec.clone();
  for (int t = 1; t <= 3; ++t) {
    loss->run(s, x, x, {}, g);
    kernels::AdamOptions adam;
    adam.lr = 1e-2;
    optimizer.step(t, adam, 1.0);
  }
  const Tensor<float> norms = sae::site_norms(s.W_dec, 2);
  double moved = 0, unlike = 0;
  for (int64_t f = 0; f < 24; ++f) {
    CHECK(norms.at(f, 0) + norms.at(f, 1) == doctest::Approx(std::sqrt(2.0)).epsilon(1e-5));
    unlike = std::max(unlike, double(std::fabs(norms.at(f, 0) - norms.at(f, 1))));
  }
  for (int64_t i = 0; i < first.size(); ++i) moved += std::fabs(double(first[i]) - s.W_dec[i]);
  CHECK(moved > 0.1);
  CHECK(unlike > 0.05);  // each site's share is free
}
