#pragma once
/// What is known of a clip over time: tracks of intervals, one model for everything that a feature
/// may be compared with, whatever made it (a hand, an aligner, an analyser, a measurement).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::audio {

/// What a value says. In `phone_class`, `part_of_speech`, `morpheme` and `meaning` several values
/// may hold at once; in the others a later label overrules an earlier one.
enum class LabelKind : uint8_t {
  phone,           // IPA
  phone_class,     // "voiced", "nasal", "close vowel", …: from the table of IPA
  word,            // normalised spelling
  part_of_speech,  // "noun", "verb", …
  morpheme,        // "number=plural", "tense=past", …
  meaning,         // what a word or a sentence means, the same in all languages
  syllable,        // place of a phone in its syllable: "onset", "nucleus", "coda"
  stress,          // "primary", "secondary", "none"
  language,        // ISO 639-1
  speaker,
  gender,       // "f", "m"
  sound,        // class of a sound that is not speech
  noise_level,  // "snr 10 dB", …
  pitch,        // "low", "middle", "high" for this speaker
  loudness,     // "quiet", "middle", "loud" within the clip
  position,     // "clip start", "clip end", "word start", "word end", …
  silence       // "silence"
};
inline constexpr int kLabelKinds = static_cast<int>(LabelKind::silence) + 1;

/// "phone", "phone_class", "part_of_speech", …: the spelling in files and options.
std::string_view label_kind_name(LabelKind kind);
/// UserError "[where] …" with the nearest names.
LabelKind label_kind_named(std::string_view where, std::string_view name);
bool many_at_once(LabelKind kind);

/// [start, end) in seconds from the clip's beginning.
struct Label {
  double start = 0, end = 0;
  std::string value;
};

/// Labels of one kind from one source, ordered by start. Where no label of the track lies, the
/// kind is *known to have no value* inside [known_from, known_to), and unknown outside.
struct Track {
  LabelKind kind = LabelKind::phone;
  std::string source;  // "hand", "espeak-ng 1.51 + dtw", "apertium eng", "manifest", …
  double quality = 1;  // 0 … 1, the source's own; an aligner's score
  double known_from = 0, known_to = 0;
  std::vector<Label> labels;
};

struct ClipLabels {
  std::string id;  // the clip's id in its manifest and in stores
  double duration_s = 0;
  std::vector<Track> tracks;

  /// The first track of a kind, or null.
  const Track* find(LabelKind kind) const;
};

/// UserError "[where] …" for reversed, overlapping (unless many_at_once), unordered or non-finite
/// labels, ones that end more than 20 ms past the clip (what ends within them is cut), a quality
/// outside 0 … 1 and a reversed range of what is known.
void check_labels(std::string_view where, ClipLabels& labels);

}  // namespace otoscope::audio
