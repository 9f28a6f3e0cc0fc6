#pragma once
/// Which clip lies where in which window. Most clips are seconds long and a window is 30 s: packing
/// divides the encoder's work by up to ten, and gives every clip another place in its window, which
/// is otherwise its time (methods.md §0, "Position is a confound").

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/audio/time.h"

namespace otoscope::audio {

/// A piece of a clip in a window. Clips longer than a window are cut into consecutive windows.
struct Placement {
  int64_t clip = 0;   // index of the clip
  int64_t first = 0;  // its first sample, a multiple of 320
  int64_t samples = 0;
  int64_t start = 0;  // where in the window, a multiple of 320

  int64_t first_frame() const { return first / kFrameSamples; }
  int64_t position() const { return start / kFrameSamples; }
  /// Frames that carry audio: ceil(samples / 320).
  int64_t frames() const { return (samples + kFrameSamples - 1) / kFrameSamples; }
  bool operator==(const Placement&) const = default;
};
using Window = std::vector<Placement>;

/// Length of a clip, and what it may share a window with: clips of one group only.
struct PackClip {
  int64_t samples = 0;
  std::string group;
};

struct PackOptions {
  int64_t window_samples = kWindowSamples;  // a multiple of 320
  int64_t silence_samples = 4800;           // at least so many between two clips: 0.3 s
  uint64_t seed = 0;
};

/// Best fit in the order given, then the clips of each window in a random order (so that the place
/// in the window says nothing of the length). Pieces of one clip follow one another; windows whose
/// clip is cut come consecutively. Empty clips have no placement.
std::vector<Window> pack(const std::vector<PackClip>& clips, const PackOptions& options = {});

/// Every piece in a window of its own, `offset_samples` (rounded down to 320) after its begin, or
/// as late as the piece still fits: the shift test moves clips with it.
std::vector<Window> place_alone(const std::vector<PackClip>& clips,
                                int64_t window_samples = kWindowSamples,
                                int64_t offset_samples = 0);

}  // namespace otoscope::audio
