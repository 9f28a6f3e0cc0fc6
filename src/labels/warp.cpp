#include "labels/warp.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "otoscope/core/errors.h"

namespace otoscope::labels {
namespace {

constexpr float kFar = std::numeric_limits<float>::infinity();
constexpr uint8_t kFromSilence = 8;  // + frames passed over

size_t size(int64_t value) { return static_cast<size_t>(value); }

/// Where a path came from, one byte a state: template frames hold how far they moved (0 … 3) or
/// kFromSilence + frames passed over; silences hold 0 (stayed) or 1 + frames passed over.
class Trail {
 public:
  Trail(int64_t frames, int64_t width, int64_t silences)
      : width_(width),
        silences_(silences),
        moves_(static_cast<size_t>(frames * width)),
        rests_(static_cast<size_t>(frames * silences)) {}
  uint8_t& move(int64_t frame, int64_t column) {
    return moves_[static_cast<size_t>(frame * width_ + column)];
  }
  uint8_t& rest(int64_t frame, int64_t silence) {
    return rests_[static_cast<size_t>(frame * silences_ + silence)];
  }

 private:
  int64_t width_, silences_;
  std::vector<uint8_t> moves_, rests_;
};

/// The cheapest costs of all states, a frame of the recording at a time.
class Lattice {
 public:
  /// trail: where the costs came from, for whoever wants the path; else null.
  Lattice(const WarpProblem& problem, const WarpOptions& options, Trail* trail)
      : problem_(problem),
        options_(options),
        J_(problem.template_frames),
        trail_(trail),
        before_(size(kPad + J_), kFar),
        now_(before_),
        rest_before_(problem.joints.size(), kFar),
        rest_now_(rest_before_) {}

  /// costs: of template frames [first, first + width).
  void step(int64_t i, int64_t first, int64_t width, const float* costs) {
    const float silence = problem_.silence[size(i)];
    std::fill(now_.begin(), now_.end(), kFar);
    if (i == 0) {
      begin(first, width);
    } else {
      move(i, first, width);
      leave_rests(i, first, width);
    }
    float* now = at(now_, first);
    for (int64_t j = 0; j < width; ++j) now[j] += costs[j];
    for (size_t s = 0; s < rest_now_.size(); ++s)
      rest_now_[s] = silence + (i == 0 ? begin_rest(s) : best_rest(i, s));
    std::swap(before_, now_);
    std::swap(rest_before_, rest_now_);
  }

  /// A path ends in the last template frame (or skips at most two) or in the silence after it.
  struct End {
    float cost = kFar;
    int64_t frame = -1, rest = -1;  // one of them
  };
  End end() const {
    End best;
    for (int64_t passed = 0; passed <= std::min<int64_t>(J_ - 1, kMostSkipped); ++passed) {
      const float cost = *at(before_, J_ - 1 - passed) + skip() * static_cast<float>(passed);
      if (cost < best.cost) best = {cost, J_ - 1 - passed, -1};
    }
    const auto S = static_cast<int64_t>(problem_.joints.size());
    if (S > 0 && problem_.joints.back() == J_ && rest_before_.back() < best.cost)
      best = {rest_before_.back(), -1, S - 1};
    return best;
  }

 private:
  // Infinities before the first frame, so that moves need no bounds.
  static constexpr int64_t kPad = kMostSkipped + 1;

  static const float* at(const std::vector<float>& row, int64_t j) { return row.data() + kPad + j; }
  static float* at(std::vector<float>& row, int64_t j) { return row.data() + kPad + j; }
  float stay() const { return static_cast<float>(options_.stay); }
  float skip() const { return static_cast<float>(options_.skip); }
  float enter() const { return static_cast<float>(options_.silence); }

  void begin(int64_t first, int64_t width) {
    for (int64_t j = first; j < std::min<int64_t>(first + width, kMostSkipped + 1); ++j)
      *at(now_, j) = skip() * static_cast<float>(j);
  }
  float begin_rest(size_t s) const { return problem_.joints[s] == 0 ? enter() : kFar; }

  /// From template frame to template frame. No branches: this is where the time goes.
  void move(int64_t i, int64_t first, int64_t width) {
    static_assert(kMostSkipped == 2);
    const float *from = at(before_, first), stay_cost = stay(), skip_cost = skip();
    float* to = at(now_, first);
    if (trail_ == nullptr) {
      for (int64_t j = 0; j < width; ++j)
        to[j] = std::min(std::min(from[j] + stay_cost, from[j - 1]),
                         std::min(from[j - 2] + skip_cost, from[j - 3] + 2 * skip_cost));
      return;
    }
    uint8_t* moves = &trail_->move(i, 0);
    for (int64_t j = 0; j < width; ++j) {
      float best = from[j] + stay_cost;
      int how = 0;
      const auto consider = [&](float cost, int moved) {
        how = cost < best ? moved : how;
        best = std::min(best, cost);
      };
      consider(from[j - 1], 1);
      consider(from[j - 2] + skip_cost, 2);
      consider(from[j - 3] + 2 * skip_cost, 3);
      to[j] = best;
      moves[j] = static_cast<uint8_t>(how);
    }
  }

  /// From a silence to the template frame after it, or one a little further on.
  void leave_rests(int64_t i, int64_t first, int64_t width) {
    for (size_t s = rest_before_.size(); s-- > 0;)
      for (int64_t passed = 0; passed <= kMostSkipped; ++passed) {
        const int64_t j = problem_.joints[s] + passed;
        if (j < first || j >= first + width) continue;
        const float cost = rest_before_[s] + skip() * static_cast<float>(passed);
        if (cost >= *at(now_, j)) continue;
        *at(now_, j) = cost;
        if (trail_ != nullptr)
          trail_->move(i, j - first) = static_cast<uint8_t>(kFromSilence + passed);
      }
  }

  float best_rest(int64_t i, size_t s) {
    float best = rest_before_[s];
    uint8_t how = 0;
    const int64_t joint = problem_.joints[s];
    for (int64_t passed = 0; passed <= kMostSkipped && joint - 1 - passed >= 0; ++passed) {
      const float cost =
          *at(before_, joint - 1 - passed) + enter() + skip() * static_cast<float>(passed);
      if (cost < best) {
        best = cost;
        how = static_cast<uint8_t>(1 + passed);
      }
    }
    if (trail_ != nullptr) trail_->rest(i, static_cast<int64_t>(s)) = how;
    return best;
  }

  const WarpProblem& problem_;
  const WarpOptions& options_;
  int64_t J_;
  Trail* trail_;
  std::vector<float> before_, now_;  // (kPad + J): infinity outside the band
  std::vector<float> rest_before_, rest_now_;
};

/// The template frames of each row that are looked at.
class Band {
 public:
  Band(const WarpProblem& problem, const WarpOptions& options)
      : I_(problem.frames),
        J_(problem.template_frames),
        width_(options.band > 0 ? std::min(J_, 2 * options.band + 1) : J_) {}
  int64_t width() const { return width_; }
  int64_t first(int64_t i) const {
    if (width_ == J_) return 0;
    const int64_t middle = I_ > 1 ? i * (J_ - 1) / (I_ - 1) : 0;
    return std::clamp<int64_t>(middle - width_ / 2, 0, J_ - width_);
  }

 private:
  int64_t I_, J_, width_;
};

WarpPath trace(const WarpProblem& problem, const Band& band, Trail& trail, Lattice::End end) {
  WarpPath path;
  if (!std::isfinite(end.cost)) return path;
  path.cost = end.cost;
  path.at.assign(size(problem.frames), -1);
  int64_t j = end.frame, s = end.rest;
  for (int64_t i = problem.frames - 1; i >= 0; --i) {
    path.at[size(i)] = static_cast<int32_t>(j);
    if (i == 0) break;
    if (s >= 0) {
      const uint8_t how = trail.rest(i, s);
      if (how == 0) continue;
      j = problem.joints[size(s)] - how;
      s = -1;
    } else {
      const uint8_t how = trail.move(i, j - band.first(i));
      if (how < kFromSilence) {
        j -= how;
      } else {
        const int64_t joint = j - (how - kFromSilence);
        s = std::lower_bound(problem.joints.begin(), problem.joints.end(), joint) -
            problem.joints.begin();
        j = -1;
      }
    }
  }
  return path;
}

/// The same places between words where the template begins at another frame and goes round; the
/// seam is one more.
std::vector<int64_t> turned_joints(const WarpProblem& problem, int64_t begin) {
  const int64_t J = problem.template_frames;
  std::vector<int64_t> joints = {0, J - begin, J};
  for (const int64_t joint : problem.joints)
    if (joint != 0 && joint != J) joints.push_back((joint - begin + J) % J);
  std::sort(joints.begin(), joints.end());
  joints.erase(std::unique(joints.begin(), joints.end()), joints.end());
  return joints;
}

void check(const WarpProblem& problem) {
  OTO_ASSERT(static_cast<int64_t>(problem.silence.size()) == problem.frames);
  for (size_t s = 0; s < problem.joints.size(); ++s) {
    OTO_ASSERT(problem.joints[s] >= 0 && problem.joints[s] <= problem.template_frames);
    OTO_ASSERT(s == 0 || problem.joints[s] > problem.joints[s - 1]);
  }
}

}  // namespace

WarpPath warp(const WarpProblem& problem, const WarpOptions& options) {
  if (problem.frames <= 0 || problem.template_frames <= 0) return {};
  check(problem);
  const Band band(problem, options);
  Trail trail(problem.frames, band.width(), static_cast<int64_t>(problem.joints.size()));
  Lattice lattice(problem, options, &trail);
  std::vector<float> costs(size(band.width()));
  for (int64_t i = 0; i < problem.frames; ++i) {
    const int64_t first = band.first(i);
    problem.cost(i, first, first + band.width(), costs.data());
    lattice.step(i, first, band.width(), costs.data());
  }
  return trace(problem, band, trail, lattice.end());
}

std::vector<double> turned_costs(const WarpProblem& problem, const WarpOptions& options,
                                 std::span<const int64_t> begins) {
  if (problem.frames <= 0 || problem.template_frames <= 0) return {};
  check(problem);
  const Band band(problem, options);
  const int64_t J = problem.template_frames, width = band.width();
  std::vector<WarpProblem> turned(begins.size(), problem);  // a lattice borrows its problem
  std::vector<Lattice> lattices;
  for (size_t k = 0; k < begins.size(); ++k) {
    OTO_ASSERT(begins[k] >= 0 && begins[k] < J);
    turned[k].joints = turned_joints(problem, begins[k]);
    lattices.emplace_back(turned[k], options, nullptr);
  }
  std::vector<float> twice(size(2 * J));  // a row of costs, gone round
  const auto fill = [&](int64_t i, int64_t from, int64_t to) {
    if (from < J) problem.cost(i, from, std::min(to, J), twice.data() + from);
    if (to > J)
      problem.cost(i, std::max<int64_t>(from - J, 0), to - J, twice.data() + std::max(from, J));
  };
  for (int64_t i = 0; i < problem.frames; ++i) {
    const int64_t first = band.first(i);
    if (width == J) {  // one row for all of them
      problem.cost(i, 0, J, twice.data());
      std::copy_n(twice.data(), J, twice.data() + J);
    }
    for (size_t k = 0; k < begins.size(); ++k) {
      if (width < J) fill(i, first + begins[k], first + begins[k] + width);
      lattices[k].step(i, first, width, twice.data() + first + begins[k]);
    }
  }
  std::vector<double> costs;
  for (const Lattice& lattice : lattices) costs.push_back(lattice.end().cost);
  return costs;
}

}  // namespace otoscope::labels
