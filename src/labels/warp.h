#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace otoscope::labels {

/// Dynamic time warping of a recording onto a template: every frame of the recording is given to
/// one frame of the template, in order, or to a silence between two words of the template.
struct WarpOptions {
  // In units of the frames' costs, whose mean over random pairs is 1.
  double stay = 0.2;     // one template frame again
  double skip = 0.2;     // for each template frame passed over, at most kMostSkipped at once
  double silence = 1.0;  // for each silence that is entered
  int64_t band = 0;      // template frames to either side of the straight line; 0 = all
};

struct WarpProblem {
  int64_t frames = 0;           // of the recording
  int64_t template_frames = 0;  // at least 1
  /// Writes the costs of a frame of the recording against template frames [first, last).
  std::function<void(int64_t frame, int64_t first, int64_t last, float* costs)> cost;
  std::span<const float> silence;  // (frames): cost of giving a frame to silence
  /// Template frames before which a silence may lie, ascending; 0 and template_frames included.
  std::vector<int64_t> joints;
};

struct WarpPath {
  std::vector<int32_t> at;  // (frames): the template frame, or -1 in a silence
  double cost = 0;          // of the whole path, penalties included
};

inline constexpr int kMostSkipped = 2;

/// What the cheapest path costs onto the same template, but begun at frame begins[k] and gone
/// round: the same sounds in another order, so what a path costs where the order is wrong. Infinity
/// where none exists. Joints go along; the seam is one more.
std::vector<double> turned_costs(const WarpProblem& problem, const WarpOptions& options,
                                 std::span<const int64_t> begins);

/// The cheapest path; empty where none exists: a template more than three times as long as the
/// recording, or nothing to warp. One byte a cell, and a row of costs.
WarpPath warp(const WarpProblem& problem, const WarpOptions& options);

}  // namespace otoscope::labels
