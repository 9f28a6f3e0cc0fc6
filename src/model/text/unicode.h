#pragma once
/// UTF-8 and the character classes that Python's str and re use, on utf8proc.

#include <string>
#include <string_view>
#include <vector>

namespace otoscope::model::text {

/// Broken bytes become U+FFFD, one for each maximal part of a sequence, as Python's
/// errors="replace" and the Unicode Standard (§3.9) have it.
std::u32string from_utf8(std::string_view bytes);
std::string to_utf8(std::u32string_view text);
void append_utf8(char32_t point, std::string& out);
/// Bytes with every broken part replaced by U+FFFD.
std::string valid_utf8(std::string_view bytes);

/// One step of from_utf8: the character at `bytes[at]` and how many bytes it takes. `broken` says
/// that it is no character.
struct Decoded {
  char32_t point = 0;
  int length = 0;
  bool broken = false;
};
Decoded decode_at(std::string_view bytes, size_t at);

bool is_letter(char32_t c);                      // \p{L}
bool is_number(char32_t c);                      // \p{N}
bool is_decimal(char32_t c);                     // \p{Nd}, \d
bool is_nonspacing_mark(char32_t);               // Mn
bool is_mark_symbol_or_punctuation(char32_t c);  // M, S, P
bool is_white_space(char32_t c);                 // Unicode's White_Space
bool is_python_space(char32_t c);                // str.isspace, \s
bool is_word(char32_t c);                        // \w
/// 0..9 for a \p{Nd}.
int decimal_value(char32_t c);

/// str.lower(): with U+0130 and final sigma.
std::u32string lower(std::u32string_view text);
std::u32string nfkd(std::u32string_view text);
std::u32string nfkc(std::u32string_view text);
/// Extended grapheme clusters (\X).
std::vector<std::u32string> graphemes(std::u32string_view text);

/// str.split(), str.strip() of UTF-8.
std::vector<std::u32string> split_words(std::u32string_view text);
std::string strip(std::string_view text);

}  // namespace otoscope::model::text
