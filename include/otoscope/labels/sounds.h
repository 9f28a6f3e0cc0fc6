#pragma once
/// Noise and reverberation mixed into speech at a known level, so that what a feature makes of them
/// can be measured. Everything random by seed.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/core/rng.h"

namespace otoscope::labels {

/// Speech plus a piece of `noise` from a random place on (over and over where it is shorter), so
/// that the mean power of speech over its frames that are not silence, and of the piece over all
/// its frames, differ by snr_db. Scaled down as a whole where it would clip. Silent noise or
/// speech: speech as it is.
std::vector<float> mixed_at_snr(std::span<const float> speech, std::span<const float> noise,
                                double snr_db, Rng& rng);

/// Speech with an exponential tail that falls by 60 dB in `rt60_s`: velvet noise, 2,000 pulses a
/// second (Karjalainen & Järveläinen 2007), of the direct sound's energy (direct-to-reverberant
/// ratio 0 dB). As long as the speech.
std::vector<float> reverberated(std::span<const float> speech, double rt60_s, Rng& rng);

struct MixOptions {
  std::vector<float> snr;     // dB
  std::vector<float> reverb;  // s

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("snr", o.snr,
      "with --mix-with: levels of noise, dB below speech; neither this nor --reverb: 20,10,0 "
      "and reverberation of 0.5 s",
      Range{-40, 80});
    v("reverb", o.reverb, "with --mix-with: seconds in which reverberation falls by 60 dB",
      Range{0.05, 10});
  }
};

/// Every clip that is speech once, in one condition by seed: "clean", "snr 10 dB", …, "reverb
/// 0.5 s", equally often in each language and split. Noise is drawn from sources of the clip's own
/// split, so that no noise is in two. Writes OUT/audio/…wav and OUT/manifest.jsonl, with the clips'
/// ids, texts and splits, `noise_level` and `noise` (the id of the noise's clip), and returns the
/// manifest; what was finished before is kept. UserError: no speech, no noise.
std::filesystem::path mix_corpus(const std::filesystem::path& speech,
                                 const std::filesystem::path& noise,
                                 const std::filesystem::path& out, const MixOptions& options,
                                 uint64_t seed, Progress& progress = silent_progress());

}  // namespace otoscope::labels
