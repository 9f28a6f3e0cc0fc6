#pragma once
/// A deployment made from a test set: what a telephone, a codec, a room or a bad microphone does to
/// clips, by seed. Texts, ids and sources are kept, so that pairs are minimal (methods.md §8.2.4).

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/core/rng.h"

namespace otoscope::contexts {

enum class Change : uint8_t {
  telephone,  // 300 to 3,400 Hz at 8 kHz
  opus,
  mp3,
  g722,    // amount: kbit/s, 0 = usual
  reverb,  // amount: seconds in which it falls by 60 dB; direct-to-reverberant ratio 0 dB
  noise,   // amount: dB below speech; pink, or from sounds given
  far,     // amount: reverberation, s; direct sound 6 dB under the tail, 12 dB quieter, above 6 kHz
           // lost, pink noise at 15 dB
  clip,    // amount: dB by which the peak exceeds what can be held
  speed,   // amount: factor; pitch and time both
  gain     // amount: dB
};

struct Step {
  Change change = Change::gain;
  double amount = 0;
};

/// "telephone", "opus=12", "noise=10" …; without an amount its usual one. UserError [where] for
/// unknown names and amounts out of range.
Step parse_step(std::string_view text, std::string_view where);
std::string step_text(const Step& step);
/// Names, amounts and what they do, one line each: for help and docs.
std::string transforms_text();

/// 16 kHz mono in [-1, 1]. As long as the input, but for speed. `sounds`: what noise is cut from;
/// empty: pink noise.
std::vector<float> transformed(std::span<const float> pcm, std::span<const Step> steps, Rng& rng,
                               std::span<const float> sounds = {});

struct MakeOptions {
  std::vector<Step> steps;
  std::filesystem::path noise;  // manifest of sounds for `noise`; empty: pink noise
  uint64_t seed = 0;
};
/// OUT/audio/ID.wav and OUT/manifest.jsonl: the manifest's clips in order with ids, texts, prompt
/// ids, speakers, sources and splits kept and `transform` added. What an earlier run of the same
/// plan finished is kept. Returns the manifest.
std::filesystem::path make_context(const std::filesystem::path& manifest,
                                   const std::filesystem::path& out, const MakeOptions& options,
                                   Progress& progress = silent_progress());

}  // namespace otoscope::contexts
