#pragma once
/// Tracks that follow from a phone track alone.

#include "otoscope/audio/labels.h"

namespace otoscope::labels {

/// The classes of every phone (labels/phonology.h). `unknown` counts phones that are not in the
/// table; nothing is said of them.
audio::Track phone_class_track(const audio::Track& phones, int64_t* unknown = nullptr);

/// "onset", "nucleus", "coda" of every phone, for phones without syllables of their own (hand
/// labels): vowels and syllabic consonants are nuclei; of the consonants between two nuclei the
/// longest end that rises in sonority (plosive < fricative < nasal < liquid < glide; s may stand
/// before plosives) is the onset of the second. Syllables end at gaps, and at the words' edges
/// where words are given.
audio::Track syllable_track(const audio::Track& phones, const audio::Track* words = nullptr);

}  // namespace otoscope::labels
