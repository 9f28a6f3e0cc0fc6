#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "otoscope/core/isa.h"
#include "otoscope/core/threads.h"
#include "sae/problem.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;
using sae::reference::Parameters;

namespace {

const std::vector<std::string> kAll = {"relu",     "topk",  "batchtopk",
                                       "jumprelu", "gated", "matryoshka"};

std::vector<double>* part(Parameters<double>& p, int which) {
  std::vector<double>* parts[] = {&p.W_enc,     &p.W_dec, &p.b_enc, &p.b_dec,
                                  &p.threshold, &p.b_mag, &p.r_mag, &p.W_skip};
  return parts[which];
}

void compare(const sae::Gradients& got, const Parameters<double>& want, int64_t F,
             double tolerance) {
  const auto check = [&](View<const float> g, const std::vector<double>& w, Shape shape) {
    if (w.empty()) return;
    CHECK_CLOSE(g, as_tensor(w, shape), tolerance);
  };
  check(whole(got.W_enc, got.touched), want.W_enc, {F, want.d});
  check(whole(got.W_dec, got.touched), want.W_dec, {F, want.d_out});
  check(got.b_enc, want.b_enc, {F});
  check(got.b_dec, want.b_dec, {want.d_out});
  check(got.threshold, want.threshold, {F});
  check(got.b_mag, want.b_mag, {F});
  check(got.r_mag, want.r_mag, {F});
  check(got.W_skip, want.W_skip, {want.d_out, want.d});
}

}  // namespace

TEST_CASE("gradients of every loss agree with central differences") {
  for (const std::string& name : kAll)
    for (const int64_t d_out : {5, 4, -4}) {  // 4: another target, no centring; -4: with a skip
      CAPTURE(name);
      CAPTURE(d_out);
      auto q = make_problem<double>(name, 11, 6, 5, std::abs(d_out), 15, d_out < 0);
      const auto at = sae::reference::run(q.p, q.options, q.state, q.x, q.y);
      REQUIRE(at.total > 0);
      if (!q.state.dead.empty()) REQUIRE(at.auxiliary > 0);
      const double h = 1e-5;
      for (int which = 0; which < 8; ++which) {
        if (which == 4) continue;  // thresholds have a stated pseudo-derivative, tested below
        auto gradient = at.gradient;
        double worst = 0, scale = 0;
        for (size_t i = 0; i < part(q.p, which)->size(); ++i) {
          const auto shifted = [&](double by) {
            auto moved = q.p;
            (*part(moved, which))[i] += by;
            return sae::reference::run(moved, q.options, q.state, q.x, q.y, at.frozen).total;
          };
          const double slope = (shifted(h) - shifted(-h)) / (2 * h);
          const double got = (*part(gradient, which))[i];
          scale = std::max(scale, std::fabs(slope));
          const double difference = std::fabs(slope - got);
          if (!(difference <= worst)) worst = std::isnan(difference) ? INFINITY : difference;
        }
        CAPTURE(which);
        CHECK(worst <= 1e-6 * std::max(scale, 1e-3));
      }
    }
}

TEST_CASE("threshold gradients of JumpReLU are the slopes of the smoothed step") {
  // The pseudo-derivatives are those of S(theta) = sum (a theta0 + c/B) ramp((z - theta)/eps), with
  // a ramp of slope 1 in place of the step, and a, theta0, z held.
  for (const char* penalty : {"l0", "target"}) {
    auto q = make_problem<double>("jumprelu", 12, 9, 5, 5, 15);
    q.options.penalty = penalty;
    const auto at = sae::reference::run(q.p, q.options, q.state, q.x, q.y);
    const double eps = q.options.bandwidth, B = 9, k = static_cast<double>(q.options.k);
    const double c =
        q.options.sparsity * (std::string(penalty) == "l0" ? 1.0 : 2.0 * (at.l0 / k - 1.0) / k);
    int inside = 0;
    for (size_t f = 0; f < 15; ++f) {
      const auto smoothed = [&](double theta) {
        double sum = 0;
        for (size_t b = 0; b < 9; ++b) {
          double a = 0;
          for (size_t i = 0; i < 5; ++i)
            a += 2 / B * (at.xhat[b * 5 + i] - q.y[b * 5 + i]) * q.p.W_dec[f * 5 + i];
          const double u = (at.pre[b * 15 + f] - theta) / eps + 0.5;
          sum += (a * q.p.threshold[f] + c / B) * std::min(1.0, std::max(0.0, u));
          inside += u > 0 && u < 1;
          if (std::find(q.state.dead.begin(), q.state.dead.end(), f) == q.state.dead.end())
            continue;
          double norm = 0;
          for (size_t i = 0; i < 5; ++i) norm += q.p.W_dec[f * 5 + i] * q.p.W_dec[f * 5 + i];
          sum += q.options.pre_activation / B * std::sqrt(norm) *
                 std::max(0.0, theta - at.pre[b * 15 + f]);
        }
        return sum;
      };
      const double h = 1e-7, theta = q.p.threshold[f];
      CHECK(std::fabs((smoothed(theta + h) - smoothed(theta - h)) / (2 * h) -
                      at.gradient.threshold[f]) <= 1e-6);
    }
    CHECK(inside > 10);
  }
}

TEST_CASE("fast losses agree with the reference at every instruction set") {
  for (const Isa isa : kIsas) {
    const Isa before = force_isa(isa);
    for (const std::string& name : kAll)
      for (const int64_t signed_width : {70, 33, -33}) {
        const int64_t d_out = std::abs(signed_width);
        CAPTURE(name);
        CAPTURE(std::string(isa_name(isa)));
        CAPTURE(d_out);
        auto q = make_problem<double>(name, 13, 130, 70, d_out, 96, signed_width < 0);
        q.options.norm_weighted = name == "relu" && d_out == 33;
        const auto want = sae::reference::run(q.p, q.options, q.state, q.x, q.y);
        const sae::Sae s = as_sae(q.p);
        sae::Gradients got(s);
        const auto loss = sae::make_loss(q.options, 70, d_out, 96);
        // Old values must not leak from one step to the next.
        for (int64_t i = 0; i < got.W_enc.size(); ++i) got.W_enc[i] = 1e9f;
        const auto terms =
            loss->run(s, as_tensor(q.x, {130, 70}), as_tensor(q.y, {130, d_out}), q.state, got);
        CHECK(terms.total == doctest::Approx(want.total).epsilon(1e-5));
        CHECK(terms.reconstruction == doctest::Approx(want.reconstruction).epsilon(1e-5));
        CHECK(terms.inner == doctest::Approx(want.inner).epsilon(1e-5));
        CHECK(terms.sparsity == doctest::Approx(want.sparsity).epsilon(1e-5));
        CHECK(terms.auxiliary == doctest::Approx(want.auxiliary).epsilon(1e-4));
        CHECK(terms.l0 == doctest::Approx(want.l0).epsilon(1e-9));
        compare(got, want.gradient, 96, 2e-5);
        for (size_t f = 0; f < 96; ++f) {
          bool fires = false;
          for (size_t b = 0; b < 130; ++b) fires |= want.codes[b * 96 + f] > 0;
          CHECK((loss->fired()[f] != 0) == fires);
        }
      }
    force_isa(before);
  }
}

TEST_CASE("dense losses agree with the reference where few entries are open") {
  // 5,000 features make slices of 832 rows. The second slice is ragged and its rows are larger:
  // with them more is open than the sparse form takes, so that both forms add up.
  constexpr int64_t kRows = 900, kFirst = 832, F = 5000, d = 9;
  for (const std::string name : {"relu", "jumprelu", "gated"})
    for (const int64_t signed_width : {9, -7}) {
      const int64_t d_out = std::abs(signed_width);
      CAPTURE(name);
      CAPTURE(d_out);
      auto q = make_problem<double>(name, 17, kRows, d, d_out, F, signed_width < 0);
      for (size_t i = kFirst * d; i < q.x.size(); ++i) q.x[i] *= 6;
      if (d_out == d) q.y = q.x;
      q.options.norm_weighted = name == "relu" && d_out != d;
      for (double& bias : q.p.b_enc) bias -= 4.0;
      for (double& bias : q.p.b_mag) bias += 0.5;
      const auto want = sae::reference::run(q.p, q.options, q.state, q.x, q.y);
      std::array<int64_t, 2> open{};
      for (size_t i = 0; i < want.pre.size(); ++i)
        if (i < kFirst * F)
          open[0] += want.pre[i] > -0.2;  // below every bound
        else
          open[1] += want.codes[i] > 0;
      REQUIRE(open[0] > kFirst);
      REQUIRE(open[0] < kFirst * F / 8);
      REQUIRE(open[1] > (kRows - kFirst) * F / 8);
      const sae::Sae s = as_sae(q.p);
      const auto x = as_tensor(q.x, {kRows, d}), y = as_tensor(q.y, {kRows, d_out});
      for (const Isa isa : kIsas) {
        CAPTURE(std::string(isa_name(isa)));
        const Isa before = force_isa(isa);
        sae::Gradients got(s);
        for (int64_t i = 0; i < got.W_enc.size(); ++i) got.W_enc[i] = 1e9f;
        for (int64_t i = 0; i < got.W_dec.size(); ++i) got.W_dec[i] = 1e9f;
        const auto loss = sae::make_loss(q.options, d, d_out, F);
        const auto terms = loss->run(s, x, y, q.state, got);
        CHECK(terms.total == doctest::Approx(want.total).epsilon(1e-5));
        CHECK(terms.sparsity == doctest::Approx(want.sparsity).epsilon(1e-5));
        CHECK(terms.auxiliary == doctest::Approx(want.auxiliary).epsilon(1e-5));
        CHECK(terms.l0 == doctest::Approx(want.l0).epsilon(1e-5));
        compare(got, want.gradient, F, 1e-4);
        force_isa(before);
      }
    }
}

TEST_CASE("losses give the same bits on one thread and on three") {
  for (const std::string name : {"topk", "batchtopk", "matryoshka"}) {
    // Sizes at which the products themselves do not depend on the threads.
    auto q = make_problem<float>(name, 14, 300, 16, 16, 64);
    q.state.dead.clear();
    const sae::Sae s = as_sae(q.p);
    const auto x = as_tensor(q.x, {300, 16});
    sae::Gradients one(s), three(s);
    const int before = threads();
    set_threads(1);
    const auto a = sae::make_loss(q.options, 16, 16, 64)->run(s, x, x, q.state, one);
    set_threads(3);
    const auto b = sae::make_loss(q.options, 16, 16, 64)->run(s, x, x, q.state, three);
    set_threads(before);
    CHECK(a.total == b.total);
    CHECK_CLOSE(whole(three.W_enc, three.touched), whole(one.W_enc, one.touched), 0.0);
    CHECK_CLOSE(whole(three.W_dec, three.touched), whole(one.W_dec, one.touched), 0.0);
    CHECK_CLOSE(three.b_dec, one.b_dec, 0.0);
  }
}

TEST_CASE("only rows of features that fired or were revived are touched") {
  auto q = make_problem<float>("topk", 15, 8, 12, 12, 200);
  q.options.k = 2;
  const sae::Sae s = as_sae(q.p);
  const auto x = as_tensor(q.x, {8, 12});
  sae::Gradients g(s);
  for (int64_t i = 0; i < g.W_dec.size(); ++i) g.W_dec[i] = -7.0f;
  q.state.dead.clear();
  const auto loss = sae::make_loss(q.options, 12, 12, 200);
  loss->run(s, x, x, q.state, g);
  CHECK(g.touched.size() <= 16);
  int64_t left = 0;
  for (int64_t f = 0; f < 200; ++f) left += g.W_dec.at(f, 0) == -7.0f;
  CHECK(left == 200 - static_cast<int64_t>(g.touched.size()));
}

TEST_CASE("AuxK is zero when nothing is dead, and does not see b_dec") {
  auto q = make_problem<float>("topk", 16, 40, 12, 12, 60);
  const auto loss = sae::make_loss(q.options, 12, 12, 60);
  const auto run = [&](float shift, bool anything_dead) {
    sae::Sae s = as_sae(q.p);
    auto x = as_tensor(q.x, {40, 12});
    for (int64_t i = 0; i < x.size(); ++i) x[i] += shift;
    for (int64_t i = 0; i < 12; ++i) s.b_dec[i] += shift;
    sae::Gradients g(s);
    sae::StepState state = q.state;
    if (!anything_dead) state.dead.clear();
    return loss->run(s, x, x, state, g).auxiliary;
  };
  CHECK(run(0, false) == 0.0);
  const double plain = run(0, true);
  CHECK(plain > 0);
  // Data and bias moved together leave codes and residual alone; only a decoder bias inside the
  // auxiliary reconstruction could change the loss.
  CHECK(run(3.0f, true) == doctest::Approx(plain).epsilon(1e-4));
}

TEST_CASE("ties go to the lower row, then to the lower index") {
  sae::Sae s;
  s.W_enc = Tensor<float>(Shape{4, 1});
  s.W_dec = Tensor<float>(Shape{4, 1});
  s.b_enc = Tensor<float>(Shape{4});
  s.b_dec = Tensor<float>(Shape{1});
  for (int64_t f = 0; f < 4; ++f) s.W_enc[f] = s.W_dec[f] = 1.0f;
  Tensor<float> x(Shape{3, 1});
  x[0] = x[1] = x[2] = 1.0f;
  sae::LossOptions options;
  options.k = 2;
  sae::Gradients g(s);
  options.architecture = "batchtopk";
  auto loss = sae::make_loss(options, 1, 1, 4);
  CHECK(loss->run(s, x, x, {}, g).l0 == doctest::Approx(2.0));
  CHECK(g.touched == std::vector<int32_t>{0, 1, 2, 3});  // row 0 takes four, row 1 two
  options.architecture = "topk";
  loss = sae::make_loss(options, 1, 1, 4);
  loss->run(s, x, x, {}, g);
  CHECK(g.touched == std::vector<int32_t>{0, 1});
}

TEST_CASE("options that do not fit are refused") {
  sae::LossOptions options;
  options.architecture = "topkk";
  CHECK(error_of([&] { sae::make_loss(options, 4, 4, 8); }).find("did you mean topk") !=
        std::string::npos);
  options.architecture = "topk";
  options.k = 9;
  CHECK(error_of([&] { sae::make_loss(options, 4, 4, 8); }).find("[1, 8]") != std::string::npos);
  options.architecture = "matryoshka";
  options.k = 2;
  options.prefixes = {4, 2, 8};
  CHECK(error_of([&] { sae::make_loss(options, 4, 4, 8); }).find("ascending") != std::string::npos);
  options.prefixes = {4};
  CHECK(error_of([&] { sae::make_loss(options, 4, 4, 8); }).find("all 8") != std::string::npos);
}
