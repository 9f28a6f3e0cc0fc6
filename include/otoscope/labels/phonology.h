#pragma once
/// What kind of sound a phone is: voicing, place and manner of consonants, height, backness and
/// rounding of vowels, from the chart of the International Phonetic Association (2020).

#include <string>
#include <string_view>
#include <vector>

#include "otoscope/audio/labels.h"

namespace otoscope::labels {

/// A base symbol of the table; fields that do not apply are empty.
struct Sound {
  bool vowel = false;
  std::string voicing, place, manner;      // "voiceless", "alveolar", "plosive"
  std::string height, backness, rounding;  // "open-mid", "front", "unrounded"
  std::string other;                       // "sibilant", "lateral", "rhotic", "glide"
};

struct Phone {
  std::vector<const Sound*> sounds;  // one; two of a diphthong or of a vowel with its glide
  bool long_ = false, nasalised = false, palatalised = false, syllabic = false, rhotic = false,
       aspirated = false;
  /// Some symbol is neither in the table nor a known mark.
  bool unknown = false;
};

/// "tʃ", "iː", "eɪ", "ɑ̃", "nʲ": longest symbols first, then their marks. Stress marks and ties are
/// passed over.
Phone phone_of(std::string_view ipa);

/// "vowel", "close vowel", "front vowel", "rounded vowel", "diphthong", …; "consonant", "voiced",
/// "alveolar", "plosive", "sibilant", …: sorted. Of a diphthong, the first vowel says height and
/// backness. Empty for what is not in the table.
std::vector<std::string> phone_classes(std::string_view ipa);
/// Every class that phone_classes can give.
const std::vector<std::string>& all_phone_classes();

/// espeak-ng's IPA mended where it writes another sound than it speaks: Russian ы as "y" and its l
/// as retroflex, Italian long s as "ss".
std::string ipa_of_espeak(std::string_view phone, std::string_view language);

/// ARPAbet (any case, stress digits passed over) in IPA; "" for silence; the value as it is where
/// it is not ARPAbet.
std::string ipa_of_arpabet(std::string_view value);
/// True where every phone of a track is ARPAbet and one of them can be nothing else ("hh").
bool is_arpabet(const audio::Track& track);
/// The track with IPA values and without silences, whatever it was.
audio::Track as_ipa(audio::Track track);

}  // namespace otoscope::labels
