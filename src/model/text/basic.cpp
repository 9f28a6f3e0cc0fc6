#include "model/text/rewrite.h"
#include "model/text/symbols.h"
#include "model/text/unicode.h"
#include "otoscope/model/languages.h"
#include "otoscope/model/normalizer.h"

namespace otoscope::model {

std::string normalize_basic(std::string_view utf8, const BasicNormalizer& options) {
  std::u32string s = text::drop_brackets(text::lower(text::from_utf8(utf8)));
  s = text::lower(options.remove_diacritics ? text::remove_symbols_and_diacritics(s)
                                            : text::remove_symbols(s));
  if (options.split_letters) {
    std::u32string spaced;
    for (const std::u32string& letter : text::graphemes(s)) {
      if (!spaced.empty()) spaced += U' ';
      spaced += letter;
    }
    s = std::move(spaced);
  }
  return text::to_utf8(text::collapse_spaces(s));
}

std::string normalize(std::string_view utf8, std::string_view language) {
  if (language == "en") return normalize_english(utf8);
  BasicNormalizer options;
  options.split_letters = written_without_spaces(language);
  return normalize_basic(utf8, options);
}

}  // namespace otoscope::model
