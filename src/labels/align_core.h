#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "labels/align_features.h"
#include "labels/warp.h"
#include "otoscope/audio/labels.h"
#include "otoscope/labels/espeak.h"

namespace otoscope::labels {

/// Chosen on synthetic speech of other voices (docs/labels.md, "Alignment").
struct AlignTuning {
  WarpOptions warp;
  double silence_base = 0.3;     // cost of a frame at the floor's level, as a silence
  double silence_slope = 1.5;    // more for a frame at the level of speech
  double encoder_weight = 0.75;  // of the encoder's distances; the rest is the cepstra's
};

/// Distances of the encoder's frames (20 ms), recording x speech; empty where there is no encoder.
struct FrameDistances {
  int64_t rows = 0, columns = 0;
  std::vector<float> values;  // mean over all pairs 1
};

/// The recording's frames, each given to a phone of the speech (index) or to silence (-1).
struct SpeechPath {
  std::vector<int32_t> phone;
  double score = 0;  // Alignment::score
};

/// Empty where no path exists.
SpeechPath align_speech(const SoundFeatures& recording, const Speech& speech,
                        const SoundFeatures& spoken, const FrameDistances& encoder,
                        const AlignTuning& tuning);

/// Tracks of phones, words, stress, syllable and silence over [0, duration_s).
std::vector<audio::Track> tracks_of(const SpeechPath& path, const Speech& speech,
                                    std::string_view text, double duration_s);
/// The same for the synthetic speech itself: exact.
std::vector<audio::Track> tracks_of(const Speech& speech, std::string_view text);

}  // namespace otoscope::labels
