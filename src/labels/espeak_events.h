#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "labels/espeak_child.h"
#include "otoscope/labels/espeak.h"

namespace otoscope::labels {

/// Where the words of a text lie, in bytes and in characters.
class TextPlaces {
 public:
  /// Not UTF-8: UserError.
  explicit TextPlaces(std::string_view text);

  /// The text with control characters as spaces: what is spoken.
  const std::string& plain() const { return plain_; }
  /// Runs without white space that hold a letter or a digit (bytes).
  const std::vector<std::pair<size_t, size_t>>& words() const { return words_; }
  /// True for a word in a script without spaces: several words may be in it.
  bool unspaced(size_t word) const { return unspaced_[word]; }
  /// The word at or after a character (from 0); the last word beyond the end.
  size_t word_at(int64_t character) const;
  /// The byte of a character (from 0), at most the text's length.
  size_t byte_of(int64_t character) const;

 private:
  std::string plain_;
  std::vector<size_t> bytes_;  // of each character
  std::vector<std::pair<size_t, size_t>> words_;
  std::vector<bool> unspaced_;
};

/// Phones and words with their times at 16 kHz out of what the library reported. speech.pcm holds
/// the samples already.
///
/// A phone of espeak-ng is reported when its sound begins, after the pause that belongs to it: the
/// closure of a stop. Such silence is given to the phone that follows it. Unnamed phones are pauses
/// where they are silent, and part of the phone before where they sound (the link in Italian
/// "perché" before r).
void read_events(const RawSpeech& raw, const TextPlaces& places, Speech& speech);

/// "ˈoʊ", "s.", "i5", "ʲ" …: without stress marks, tones, dots and hyphens.
std::string plain_ipa(std::string_view name);
Stress stress_in(std::string_view name);

}  // namespace otoscope::labels
