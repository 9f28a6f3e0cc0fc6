#include "otoscope/labels/measured.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "otoscope/audio/level.h"
#include "otoscope/audio/time.h"

namespace otoscope::labels {
namespace {

using audio::Label;
using audio::LabelKind;
using audio::Track;

constexpr double kClipEdge_s = 0.2, kWordEdge_s = 0.06;

Track empty_track(LabelKind kind, double duration_s, std::string source) {
  return {kind, std::move(source), 1, 0, duration_s, {}};
}

/// Runs of frames with the same value ("" = none) as labels.
Track runs(LabelKind kind, size_t frames, double duration_s,
           const std::function<std::string_view(size_t)>& value_of) {
  Track track = empty_track(kind, duration_s, "measured");
  const auto edge = [&](size_t frame) {
    const double seconds =
        audio::seconds_of({static_cast<int64_t>(frame)}) - audio::kFrameSeconds / 2;
    return std::clamp(seconds, 0.0, duration_s);
  };
  for (size_t first = 0; first < frames;) {
    const std::string_view value = value_of(first);
    size_t end = first + 1;
    while (end < frames && value_of(end) == value) ++end;
    // The last frame reaches to the end, so that no row falls behind it.
    const double until = end == frames ? duration_s : edge(end);
    if (!value.empty() && until > edge(first))
      track.labels.push_back({edge(first), until, std::string(value)});
    first = end;
  }
  return track;
}

float silence_below(std::span<const float> levels) {
  float loudest = audio::kQuietestDb;
  for (const float level : levels)
    if (level > loudest) loudest = level;
  return loudest - audio::kSilenceBelowPeakDb;
}

/// The values that a third and two thirds of them are below.
std::array<float, 2> thirds_of(std::vector<float> values) {
  if (values.empty()) return {0, 0};
  std::array<float, 2> thirds{};
  for (size_t i = 0; i < 2; ++i) {
    const auto at = static_cast<std::ptrdiff_t>((i + 1) * values.size() / 3);
    std::nth_element(values.begin(), values.begin() + at, values.end());
    thirds[i] = values[static_cast<size_t>(at)];
  }
  return thirds;
}

/// Start and end of [from, to), at most half of it each.
void add_edges(Track& track, double from, double to, double edge, const char* start_value,
               const char* end_value) {
  edge = std::min(edge, (to - from) / 2);
  if (!(edge > 0)) return;
  track.labels.push_back({from, from + edge, start_value});
  track.labels.push_back({to - edge, to, end_value});
}

}  // namespace

Track silence_track(std::span<const float> levels, double duration_s) {
  const float below = silence_below(levels);
  return runs(LabelKind::silence, levels.size(), duration_s,
              [&](size_t t) { return levels[t] < below ? "silence" : ""; });
}

Track loudness_track(std::span<const float> levels, double duration_s) {
  const float below = silence_below(levels);
  std::vector<float> heard;
  for (const float level : levels)
    if (level >= below) heard.push_back(level);
  const auto thirds = thirds_of(std::move(heard));
  return runs(LabelKind::loudness, levels.size(), duration_s, [&](size_t t) -> std::string_view {
    if (!(levels[t] >= below)) return "";
    return levels[t] < thirds[0] ? "quiet" : levels[t] < thirds[1] ? "middle" : "loud";
  });
}

std::array<float, 2> pitch_thirds(std::vector<float> voiced_hz) {
  return thirds_of(std::move(voiced_hz));
}

Track pitch_track(std::span<const float> hz, std::array<float, 2> thirds, double duration_s) {
  Track track = runs(LabelKind::pitch, hz.size(), duration_s, [&](size_t t) -> std::string_view {
    if (!(hz[t] > 0)) return "";
    return hz[t] < thirds[0] ? "low" : hz[t] < thirds[1] ? "middle" : "high";
  });
  track.source = "measured by YIN";
  return track;
}

Track clip_position_track(double duration_s) {
  Track track = empty_track(LabelKind::position, duration_s, "measured");
  add_edges(track, 0, duration_s, kClipEdge_s, "clip start", "clip end");
  return track;
}

Track word_position_track(const Track& words) {
  Track track = words;
  track.kind = LabelKind::position;
  track.labels.clear();
  for (const Label& word : words.labels)
    add_edges(track, word.start, word.end, kWordEdge_s, "word start", "word end");
  return track;
}

Track constant_track(LabelKind kind, std::string value, double duration_s, std::string source) {
  Track track = empty_track(kind, duration_s, std::move(source));
  if (duration_s > 0) track.labels.push_back({0, duration_s, std::move(value)});
  return track;
}

}  // namespace otoscope::labels
