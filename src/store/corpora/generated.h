#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace otoscope::store {

/// A sound made from numbers: noise, mains hum, clicks, tones, silence. 10 s at 16 kHz.
struct GeneratedSound {
  std::string name;  // "pink-2": also the cluster
  std::string kind;  // "noise", "hum", "clicks", "tone", "silence"
  std::vector<int16_t> pcm;
};

/// The same samples for the same seed, on any machine with the same mathematical library.
std::vector<GeneratedSound> generate_sounds(uint64_t seed);

}  // namespace otoscope::store
