#include "model/words/alignment.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {

void median_filter(View<float> x, int width) {
  const int64_t n = x.width(), half = width / 2;
  if (n <= half) return;
  parallel_ranges(x.rows(), 16, [&](int64_t begin, int64_t end) {
    std::vector<float> padded(static_cast<size_t>(n + 2 * half)), window;
    for (int64_t row = begin; row < end; ++row) {
      float* values = x.row(row);
      for (int64_t i = -half; i < n + half; ++i) {
        const int64_t inside = i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
        padded[static_cast<size_t>(i + half)] = values[inside];
      }
      for (int64_t i = 0; i < n; ++i) {
        window.assign(padded.begin() + i, padded.begin() + i + width);
        std::nth_element(window.begin(), window.begin() + half, window.end());
        values[i] = window[static_cast<size_t>(half)];
      }
    }
  });
}

std::vector<std::pair<int, int>> warp(View<const float> cost) {
  const int64_t N = cost.shape[0], M = cost.shape[1];
  OTO_ASSERT(N > 0 && M > 0);
  enum Step : uint8_t { diagonal, up, left };
  // Column by column; a border of infinities, and the trace along it forced home.
  constexpr float kFar = std::numeric_limits<float>::infinity();
  std::vector<float> before(static_cast<size_t>(N + 1), kFar), column(before);
  std::vector<uint8_t> trace(static_cast<size_t>((N + 1) * (M + 1)), left);
  const auto at = [&](int64_t i, int64_t j) -> uint8_t& {
    return trace[static_cast<size_t>(i * (M + 1) + j)];
  };
  before[0] = 0;
  for (int64_t j = 1; j <= M; ++j) {
    column[0] = kFar;
    for (int64_t i = 1; i <= N; ++i) {
      const float d = before[static_cast<size_t>(i - 1)], u = column[static_cast<size_t>(i - 1)],
                  l = before[static_cast<size_t>(i)];
      const Step step = d < u && d < l ? diagonal : u < d && u < l ? up : left;
      const float least = step == diagonal ? d : step == up ? u : l;
      column[static_cast<size_t>(i)] = static_cast<float>(
          static_cast<double>(cost.at(i - 1, j - 1)) + static_cast<double>(least));
      at(i, j) = step;
    }
    std::swap(before, column);
  }
  for (int64_t i = 0; i <= N; ++i) at(i, 0) = up;
  for (int64_t j = 0; j <= M; ++j) at(0, j) = left;
  std::vector<std::pair<int, int>> path;
  for (int64_t i = N, j = M; i > 0 || j > 0;) {
    path.emplace_back(static_cast<int>(i - 1), static_cast<int>(j - 1));
    const uint8_t step = at(i, j);
    if (step != left) --i;
    if (step != up) --j;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

Tensor<float> attention_map(View<float> scores) {
  const int64_t heads = scores.shape[0], tokens = scores.shape[1], frames = scores.shape[2];
  kernels::softmax(scores, scores);
  parallel_ranges(heads * frames, 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* first = scores.data + (i / frames) * tokens * frames + i % frames;
      double sum = 0, squares = 0;
      for (int64_t t = 0; t < tokens; ++t) sum += static_cast<double>(first[t * frames]);
      const double mean = sum / static_cast<double>(tokens);
      for (int64_t t = 0; t < tokens; ++t) {
        const double off = static_cast<double>(first[t * frames]) - mean;
        squares += off * off;
      }
      const double deviation = std::sqrt(squares / static_cast<double>(tokens));
      for (int64_t t = 0; t < tokens; ++t)
        first[t * frames] =
            deviation > 0
                ? static_cast<float>((static_cast<double>(first[t * frames]) - mean) / deviation)
                : 0.0f;
    }
  });
  median_filter(scores, 7);
  Tensor<float> map(Shape{tokens, frames});
  for (int64_t h = 0; h < heads; ++h) kernels::add(scores.sub(h), map);
  for (int64_t i = 0; i < map.size(); ++i) map[i] /= static_cast<float>(heads);
  return map;
}

}  // namespace otoscope::model
