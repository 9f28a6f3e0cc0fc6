#include "labels/warp.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "otoscope/core/rng.h"

using namespace otoscope;
using namespace otoscope::labels;

namespace {

struct Matrix {
  int64_t rows, columns;
  std::vector<float> values;
  float at(int64_t i, int64_t j) const { return values[static_cast<size_t>(i * columns + j)]; }
};

std::vector<float> uniform(Rng& rng, int64_t n) {
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(static_cast<float>(rng.uniform()));
  return values;
}

WarpProblem problem_of(const Matrix& costs, std::span<const float> silence,
                       std::vector<int64_t> joints) {
  WarpProblem problem;
  problem.frames = costs.rows;
  problem.template_frames = costs.columns;
  problem.cost = [&costs](int64_t i, int64_t first, int64_t last, float* out) {
    for (int64_t j = first; j < last; ++j) out[j - first] = costs.at(i, j);
  };
  problem.silence = silence;
  problem.joints = std::move(joints);
  return problem;
}

/// What a path costs by the words of the header; infinity where it breaks a rule. `rests` names the
/// joint of each silence frame.
double price(const WarpProblem& problem, const WarpOptions& options, const Matrix& costs,
             const std::vector<int32_t>& at, const std::vector<int64_t>& rests) {
  double sum = 0;
  int64_t next = 0;  // the template frame that comes if nothing is passed over
  for (size_t i = 0; i < at.size(); ++i) {
    const bool again = i > 0 && at[i] >= 0 && at[i] == at[i - 1];
    if (at[i] < 0) {
      sum += problem.silence[i];
      if (i > 0 && at[i - 1] < 0) {
        if (rests[i] != rests[i - 1]) return std::numeric_limits<double>::infinity();
        continue;
      }
      sum += options.silence;
      if (i == 0 && rests[i] != 0) return std::numeric_limits<double>::infinity();
    }
    const int64_t to = at[i] < 0 ? rests[i] : at[i];
    if (again) {
      sum += options.stay;
    } else {
      const int64_t passed = to - next;
      if (passed < 0 || passed > kMostSkipped) return std::numeric_limits<double>::infinity();
      sum += options.skip * static_cast<double>(passed);
    }
    if (at[i] >= 0) sum += costs.at(static_cast<int64_t>(i), at[i]);
    next = at[i] < 0 ? to : to + 1;
  }
  const int64_t left = problem.template_frames - next;
  if (left < 0 || left > kMostSkipped) return std::numeric_limits<double>::infinity();
  if (left > 0 && at.back() < 0) return std::numeric_limits<double>::infinity();
  return sum + options.skip * static_cast<double>(left);
}

/// Every path there is.
double cheapest(const WarpProblem& problem, const WarpOptions& options, const Matrix& costs) {
  double best = std::numeric_limits<double>::infinity();
  std::vector<int32_t> at(static_cast<size_t>(problem.frames));
  std::vector<int64_t> rests(at.size(), -1);
  const std::function<void(size_t)> go = [&](size_t i) {
    if (i == at.size()) {
      best = std::min(best, price(problem, options, costs, at, rests));
      return;
    }
    for (int64_t j = 0; j < problem.template_frames; ++j) {
      at[i] = static_cast<int32_t>(j);
      rests[i] = -1;
      go(i + 1);
    }
    for (const int64_t joint : problem.joints) {
      at[i] = -1;
      rests[i] = joint;
      go(i + 1);
    }
  };
  go(0);
  return best;
}

}  // namespace

TEST_CASE("a path follows the cheap cells, pauses go to silence") {
  // Template frames 0 1 | 2 3; the recording: silence, 0, 1, 1, silence, 2, 3, silence.
  const std::vector<int> truth = {-1, 0, 1, 1, -1, 2, 3, -1};
  Matrix costs{8, 4, std::vector<float>(32, 1.0F)};
  std::vector<float> silence(8, 1.0F);
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0)
      silence[i] = 0;
    else
      costs.values[i * 4 + static_cast<size_t>(truth[i])] = 0;
  }
  const WarpOptions options{.stay = 0.1, .skip = 0.1, .silence = 0.2};
  const WarpPath path = warp(problem_of(costs, silence, {0, 2, 4}), options);
  CHECK(path.at == std::vector<int32_t>{-1, 0, 1, 1, -1, 2, 3, -1});
  CHECK(path.cost == doctest::Approx(0.1 + 3 * 0.2));

  // Without a joint there, the pause is stretched speech.
  const WarpPath stretched = warp(problem_of(costs, silence, {0, 4}), options);
  CHECK(stretched.at[4] >= 0);
}

TEST_CASE("no path is cheaper: small problems against every path there is") {
  int solved = 0, unsolved = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed, "warp");
    const auto I = static_cast<int64_t>(1 + rng.below(4)),
               J = static_cast<int64_t>(1 + rng.below(7));
    const Matrix costs{I, J, uniform(rng, I * J)};
    const std::vector<float> silence = uniform(rng, I);
    std::vector<int64_t> joints;
    for (int64_t j = 0; j <= J; ++j)
      if (rng.below(2) == 0) joints.push_back(j);
    const WarpOptions options{
        .stay = rng.uniform(0, 0.5), .skip = rng.uniform(0, 0.5), .silence = rng.uniform(0, 0.5)};
    const WarpProblem problem = problem_of(costs, silence, joints);
    const double best = cheapest(problem, options, costs);
    const WarpPath path = warp(problem, options);
    CAPTURE(seed);
    if (!std::isfinite(best)) {
      CHECK(path.at.empty());
      ++unsolved;
      continue;
    }
    ++solved;
    REQUIRE(path.at.size() == static_cast<size_t>(I));
    CHECK(path.cost == doctest::Approx(best).epsilon(1e-5));
  }
  CHECK(solved > 40);
  CHECK(unsolved > 0);
}

TEST_CASE("a wide band changes nothing, a narrow one keeps to the line") {
  Rng rng(7, "band");
  const Matrix costs{40, 50, uniform(rng, 2000)};
  const std::vector<float> silence(40, 0.6F);
  const WarpProblem problem = problem_of(costs, silence, {0, 20, 50});
  const WarpPath all = warp(problem, {});
  CHECK(warp(problem, {.band = 60}).at == all.at);
  CHECK(warp(problem, {.band = 60}).cost == all.cost);
  const WarpPath narrow = warp(problem, {.band = 4});
  REQUIRE(narrow.at.size() == 40);
  CHECK(narrow.cost >= all.cost);
  for (int64_t i = 0; i < 40; ++i) {
    const int32_t j = narrow.at[static_cast<size_t>(i)];
    if (j >= 0) CHECK(std::abs(j - i * 49 / 39) <= 8);  // at the ends the band is shifted inwards
  }
}

TEST_CASE("turned costs are those of the template begun elsewhere, in a band too") {
  int finite = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Rng rng(seed, "turned");
    const auto I = static_cast<int64_t>(1 + rng.below(40)),
               J = static_cast<int64_t>(1 + rng.below(60));
    const Matrix costs{I, J, uniform(rng, I * J)};
    const std::vector<float> silence = uniform(rng, I);
    std::vector<int64_t> joints = {0};
    for (int64_t j = 1; j < J; ++j)
      if (rng.below(4) == 0) joints.push_back(j);
    joints.push_back(J);
    const WarpProblem problem = problem_of(costs, silence, joints);
    const std::vector<int64_t> begins = {0, J / 4, J / 2, J - 1};
    for (const int64_t band : {0, 2, 7}) {
      const WarpOptions options{.band = band};
      const std::vector<double> found = turned_costs(problem, options, begins);
      REQUIRE(found.size() == begins.size());
      for (size_t k = 0; k < begins.size(); ++k) {
        Matrix turned{I, J, {}};
        for (int64_t i = 0; i < I; ++i)
          for (int64_t j = 0; j < J; ++j) turned.values.push_back(costs.at(i, (begins[k] + j) % J));
        std::set<int64_t> at = {0, J - begins[k], J};
        for (const int64_t joint : joints) at.insert((joint - begins[k] + J) % J);
        const WarpPath path = warp(problem_of(turned, silence, {at.begin(), at.end()}), options);
        CAPTURE(seed);
        CAPTURE(begins[k]);
        if (path.at.empty()) {
          CHECK(std::isinf(found[k]));
        } else {
          CHECK(found[k] == path.cost);
          ++finite;
        }
      }
    }
  }
  CHECK(finite > 300);
}

TEST_CASE("what cannot be warped gives no path") {
  const std::vector<float> one(1, 0.5F), none;
  CHECK(warp(problem_of({0, 3, {}}, none, {0}), {}).at.empty());
  CHECK(warp(problem_of({1, 0, {}}, one, {0}), {}).at.empty());
  const Matrix long_template{1, 9, std::vector<float>(9, 0.5F)};
  CHECK(warp(problem_of(long_template, one, {0, 9}), {}).at.empty());
}
