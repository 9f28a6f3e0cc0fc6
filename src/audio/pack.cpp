#include "otoscope/audio/pack.h"

#include <algorithm>
#include <map>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::audio {
namespace {

int64_t rounded_up(int64_t samples) {
  return (samples + kFrameSamples - 1) / kFrameSamples * kFrameSamples;
}

/// The pieces of one clip, each at the begin of a window.
std::vector<Placement> pieces_of(int64_t clip, int64_t samples, int64_t window_samples) {
  std::vector<Placement> pieces;
  for (int64_t first = 0; first < samples; first += window_samples)
    pieces.push_back({clip, first, std::min(window_samples, samples - first), 0});
  return pieces;
}

/// Random order within a window; the rest of a cut clip stays first, next to its other pieces.
/// The window holds its clips in any order, as all lengths but the last are rounded up to frames
/// and the window is a whole number of frames.
void shuffle(Window& window, int64_t silence, Rng& rng) {
  const size_t fixed = window.front().first > 0 ? 1 : 0;
  for (size_t i = window.size(); i > fixed + 1; --i)
    std::swap(window[i - 1], window[fixed + rng.below(i - fixed)]);
  int64_t start = 0;
  for (Placement& placement : window) {
    placement.start = start;
    start += rounded_up(placement.samples) + silence;
  }
}

}  // namespace

std::vector<Window> pack(const std::vector<PackClip>& clips, const PackOptions& options) {
  OTO_ASSERT(options.window_samples > 0 && options.window_samples % kFrameSamples == 0);
  const int64_t silence = rounded_up(options.silence_samples);
  std::vector<Window> windows;
  std::map<std::string, std::multimap<int64_t, size_t>> rooms;  // group -> room left -> window
  for (size_t c = 0; c < clips.size(); ++c) {
    const auto pieces =
        pieces_of(static_cast<int64_t>(c), clips[c].samples, options.window_samples);
    auto& open = rooms[clips[c].group];
    for (const Placement& piece : pieces) {
      const int64_t length = rounded_up(piece.samples);
      auto room = pieces.size() == 1 ? open.lower_bound(length) : open.end();
      if (room == open.end()) {
        windows.push_back({});
        room = open.emplace(options.window_samples, windows.size() - 1);
      }
      Window& window = windows[room->second];
      window.push_back(piece);
      const int64_t left = room->first - length - silence;
      const size_t number = room->second;
      open.erase(room);
      if (left >= kFrameSamples) open.emplace(left, number);
    }
  }
  Rng rng(options.seed, "pack");
  for (Window& window : windows) shuffle(window, silence, rng);
  return windows;
}

std::vector<Window> place_alone(const std::vector<PackClip>& clips, int64_t window_samples,
                                int64_t offset_samples) {
  OTO_ASSERT(window_samples > 0 && window_samples % kFrameSamples == 0 && offset_samples >= 0);
  std::vector<Window> windows;
  for (size_t c = 0; c < clips.size(); ++c)
    for (Placement piece : pieces_of(static_cast<int64_t>(c), clips[c].samples, window_samples)) {
      const int64_t latest = window_samples - rounded_up(piece.samples);
      piece.start = std::min(offset_samples / kFrameSamples * kFrameSamples, latest);
      windows.push_back({piece});
    }
  return windows;
}

}  // namespace otoscope::audio
