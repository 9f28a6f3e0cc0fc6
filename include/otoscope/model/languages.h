#pragma once
/// The languages of Whisper in the order of their token ids (openai-whisper; the last came with
/// large-v3).

#include <span>
#include <string>
#include <string_view>

namespace otoscope::model {

struct Language {
  std::string_view code;  // "en"
  std::string_view name;  // "english"
};

/// 100 languages; models before large-v3 know the first 99.
std::span<const Language> languages();

/// A code, an English name or a usual other name ("castilian"), in any case, as a code. Unknown:
/// UserError with the nearest.
std::string language_code(std::string_view text);

/// True for languages that are written without spaces between words: their words are cut at
/// characters.
bool written_without_spaces(std::string_view code);

}  // namespace otoscope::model
