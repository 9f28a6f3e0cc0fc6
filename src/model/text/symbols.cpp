#include "model/text/symbols.h"

#include "model/text/unicode.h"

namespace otoscope::model::text {
namespace {

/// Letters that NFKD leaves whole; nothing for others.
std::u32string_view plain_letters(char32_t c) {
  switch (c) {
    case U'\u0153':
      return U"oe";
    case U'\u0152':
      return U"OE";
    case U'\u00f8':
      return U"o";
    case U'\u00d8':
      return U"O";
    case U'\u00e6':
      return U"ae";
    case U'\u00c6':
      return U"AE";
    case U'\u00df':
      return U"ss";
    case U'\u1e9e':
      return U"SS";
    case U'\u0111':
      return U"d";
    case U'\u0110':
      return U"D";
    case U'\u00f0':
      return U"d";
    case U'\u00d0':
      return U"D";
    case U'\u00fe':
      return U"th";
    case U'\u00de':
      return U"th";
    case U'\u0142':
      return U"l";
    case U'\u0141':
      return U"L";
    default:
      return {};
  }
}

}  // namespace

std::u32string remove_symbols(std::u32string_view text) {
  std::u32string out = nfkc(text);
  for (char32_t& c : out)
    if (is_mark_symbol_or_punctuation(c)) c = U' ';
  return out;
}

std::u32string remove_symbols_and_diacritics(std::u32string_view text, std::u32string_view keep) {
  std::u32string out;
  for (const char32_t c : nfkd(text)) {
    if (keep.find(c) != std::u32string_view::npos)
      out += c;
    else if (const auto letters = plain_letters(c); !letters.empty())
      out += letters;
    else if (is_nonspacing_mark(c))
      continue;
    else
      out += is_mark_symbol_or_punctuation(c) ? U' ' : c;
  }
  return out;
}

}  // namespace otoscope::model::text
