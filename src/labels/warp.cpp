#include "labels/warp.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "otoscope/core/errors.h"

namespace otoscope::labels {
namespace {

constexpr float kFar = std::numeric_limits<float>::infinity();
constexpr uint8_t kFromSilence = 8;  // + frames passed over

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

class Warper {
 public:
  Warper(const WarpProblem& problem, const WarpOptions& options)
      : problem_(problem),
        options_(options),
        I_(problem.frames),
        J_(problem.template_frames),
        S_(static_cast<int64_t>(problem.joints.size())),
        width_(options.band > 0 ? std::min(J_, 2 * options.band + 1) : J_),
        trail_(I_, width_, S_),
        silence_at_(static_cast<size_t>(J_ + 1), -1) {
    for (int64_t s = 0; s < S_; ++s)
      silence_at_[static_cast<size_t>(problem.joints[static_cast<size_t>(s)])] =
          static_cast<int32_t>(s);
  }

  WarpPath run() {
    // Rows of the template are kept whole, with infinity outside the band.
    std::vector<float> before(static_cast<size_t>(J_), kFar), now = before;
    std::vector<float> rest_before(static_cast<size_t>(S_), kFar), rest_now = rest_before;
    std::vector<float> costs(static_cast<size_t>(width_));
    for (int64_t i = 0; i < I_; ++i) {
      const int64_t first = first_of(i), last = first + width_;
      problem_.cost(i, first, last, costs.data());
      std::fill(now.begin(), now.end(), kFar);
      for (int64_t j = first; j < last; ++j)
        now[size(j)] =
            costs[size(j - first)] + (i == 0 ? begin(j) : best_move(i, j, before, rest_before));
      for (int64_t s = 0; s < S_; ++s)
        rest_now[size(s)] = problem_.silence[size(i)] +
                            (i == 0 ? begin_rest(s) : best_rest(i, s, before, rest_before));
      std::swap(before, now);
      std::swap(rest_before, rest_now);
    }
    return trace(before, rest_before);
  }

 private:
  static size_t size(int64_t value) { return static_cast<size_t>(value); }
  float stay() const { return static_cast<float>(options_.stay); }
  float skip() const { return static_cast<float>(options_.skip); }
  float enter() const { return static_cast<float>(options_.silence); }

  /// The first template frame of a row's band.
  int64_t first_of(int64_t i) const {
    if (width_ == J_) return 0;
    const int64_t middle = I_ > 1 ? i * (J_ - 1) / (I_ - 1) : 0;
    return std::clamp<int64_t>(middle - options_.band, 0, J_ - width_);
  }

  float begin(int64_t j) const { return j <= kMostSkipped ? skip() * static_cast<float>(j) : kFar; }
  float begin_rest(int64_t s) const { return problem_.joints[size(s)] == 0 ? enter() : kFar; }

  float best_move(int64_t i, int64_t j, const std::vector<float>& before,
                  const std::vector<float>& rest_before) {
    float best = before[size(j)] + stay();
    uint8_t how = 0;
    for (int64_t moved = 1; moved <= std::min<int64_t>(j, kMostSkipped + 1); ++moved) {
      const float cost = before[size(j - moved)] + skip() * static_cast<float>(moved - 1);
      if (cost < best) {
        best = cost;
        how = static_cast<uint8_t>(moved);
      }
    }
    for (int64_t passed = 0; passed <= std::min<int64_t>(j, kMostSkipped); ++passed) {
      const int32_t s = silence_at_[size(j - passed)];
      if (s < 0) continue;
      const float cost = rest_before[size(s)] + skip() * static_cast<float>(passed);
      if (cost < best) {
        best = cost;
        how = static_cast<uint8_t>(kFromSilence + passed);
      }
    }
    trail_.move(i, j - first_of(i)) = how;
    return best;
  }

  float best_rest(int64_t i, int64_t s, const std::vector<float>& before,
                  const std::vector<float>& rest_before) {
    float best = rest_before[size(s)];
    uint8_t how = 0;
    const int64_t joint = problem_.joints[size(s)];
    for (int64_t passed = 0; passed <= kMostSkipped && joint - 1 - passed >= 0; ++passed) {
      const float cost =
          before[size(joint - 1 - passed)] + enter() + skip() * static_cast<float>(passed);
      if (cost < best) {
        best = cost;
        how = static_cast<uint8_t>(1 + passed);
      }
    }
    trail_.rest(i, s) = how;
    return best;
  }

  WarpPath trace(const std::vector<float>& end, const std::vector<float>& rest_end) {
    // A path ends in the last template frame (or skips at most two) or in the silence after it.
    WarpPath path;
    float best = kFar;
    int64_t j = -1, s = -1;
    for (int64_t passed = 0; passed <= kMostSkipped && J_ - 1 - passed >= 0; ++passed) {
      const float cost = end[size(J_ - 1 - passed)] + skip() * static_cast<float>(passed);
      if (cost < best) {
        best = cost;
        j = J_ - 1 - passed;
      }
    }
    const int32_t after = silence_at_[size(J_)];
    if (after >= 0 && rest_end[size(after)] < best) {
      best = rest_end[size(after)];
      s = after;
      j = -1;
    }
    if (!std::isfinite(best)) return path;
    path.cost = best;
    path.at.assign(size(I_), -1);
    for (int64_t i = I_ - 1; i >= 0; --i) {
      path.at[size(i)] = static_cast<int32_t>(j);
      if (i == 0) break;
      if (s >= 0) {
        const uint8_t how = trail_.rest(i, s);
        if (how == 0) continue;
        j = problem_.joints[size(s)] - how;
        s = -1;
      } else {
        const uint8_t how = trail_.move(i, j - first_of(i));
        if (how < kFromSilence) {
          j -= how;
        } else {
          s = silence_at_[size(j - (how - kFromSilence))];
          j = -1;
        }
      }
    }
    return path;
  }

  const WarpProblem& problem_;
  const WarpOptions& options_;
  int64_t I_, J_, S_, width_;
  Trail trail_;
  std::vector<int32_t> silence_at_;  // (J + 1): the silence before a template frame, or -1
};

}  // namespace

WarpPath warp(const WarpProblem& problem, const WarpOptions& options) {
  if (problem.frames <= 0 || problem.template_frames <= 0) return {};
  OTO_ASSERT(static_cast<int64_t>(problem.silence.size()) == problem.frames);
  for (size_t s = 0; s < problem.joints.size(); ++s) {
    OTO_ASSERT(problem.joints[s] >= 0 && problem.joints[s] <= problem.template_frames);
    OTO_ASSERT(s == 0 || problem.joints[s] > problem.joints[s - 1]);
  }
  return Warper(problem, options).run();
}

}  // namespace otoscope::labels
