#pragma once
/// Tracks that follow from a phone track alone.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/audio/labels.h"

namespace otoscope::labels {

/// The classes of every phone (labels/phonology.h). `unknown` counts phones that are not in the
/// table; nothing is said of them.
audio::Track phone_class_track(const audio::Track& phones, int64_t* unknown = nullptr);

/// "onset", "nucleus", "coda" of each phone of a word, or of a stretch without a pause; "" where it
/// has no nucleus. Vowels and syllabic consonants are nuclei; of the consonants between two nuclei
/// the longest end that rises in sonority (plosive < fricative < nasal < liquid < glide; Selkirk
/// 1984) is the onset of the second, and a sibilant may stand before its plosive.
std::vector<std::string> syllable_places(std::span<const std::string> ipa);

/// The same for a track without syllables of its own (hand labels). Syllables end at gaps, and at
/// the words' edges where words are given.
audio::Track syllable_track(const audio::Track& phones, const audio::Track* words = nullptr);

}  // namespace otoscope::labels
