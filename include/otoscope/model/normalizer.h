#pragma once
/// Whisper's text normalisers, which both sides of a word error rate go through (Radford et al.
/// 2022, appendix C; methods.md §1.9). Lossy on purpose ("st" becomes "saint"): for comparing, not
/// for showing.

#include <string>
#include <string_view>
#include <vector>

namespace otoscope::model {

/// Recorded with every error rate: a change of results changes it.
inline constexpr std::string_view kNormalizerVersion = "openai-whisper-20250625";

/// Lower case, no brackets, contractions and titles written out, symbols dropped, spelled numbers
/// as digits, American spelling. One leading and one trailing space may be left.
std::string normalize_english(std::string_view text);

struct BasicNormalizer {
  bool remove_diacritics = false;
  /// For languages without spaces: every letter becomes a word.
  bool split_letters = false;
};
/// Lower case, no brackets, no marks, symbols or punctuation.
std::string normalize_basic(std::string_view text, const BasicNormalizer& options = {});

/// English for "en", else basic, with letters split where the language is written without spaces.
std::string normalize(std::string_view text, std::string_view language);

}  // namespace otoscope::model
