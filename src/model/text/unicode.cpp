#include "model/text/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "otoscope/core/errors.h"

namespace otoscope::model::text {
namespace {

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool cased(char32_t c) {
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL ||
         kind == UTF8PROC_CATEGORY_LT;
}

bool case_ignorable(char32_t c) {
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_ME ||
         kind == UTF8PROC_CATEGORY_CF || kind == UTF8PROC_CATEGORY_LM ||
         kind == UTF8PROC_CATEGORY_SK || c == U'\'' || c == U'.' || c == U':' || c == U'\u00b7' ||
         c == U'\u2019';
}

// A capital sigma that ends a word becomes the final form (Unicode, SpecialCasing: Final_Sigma).
bool ends_word(std::u32string_view text, size_t at) {
  size_t before = at;
  while (before > 0 && case_ignorable(text[before - 1])) --before;
  if (before == 0 || !cased(text[before - 1])) return false;
  size_t after = at + 1;
  while (after < text.size() && case_ignorable(text[after])) ++after;
  return after == text.size() || !cased(text[after]);
}

std::u32string normalised(std::u32string_view text, int options) {
  const std::string bytes = to_utf8(text);
  utf8proc_uint8_t* out = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                                   static_cast<utf8proc_ssize_t>(bytes.size()), &out,
                                   static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(out, &std::free);
  OTO_ASSERT(length >= 0);  // the input is valid UTF-8 by construction
  return from_utf8({reinterpret_cast<const char*>(out), static_cast<size_t>(length)});
}

}  // namespace

Decoded decode_at(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned first = byte(at);
  if (first < 0x80) return {first, 1, false};
  // The second byte has its own limits: no overlong forms, no surrogates, nothing over U+10FFFF.
  int more = 0;
  unsigned low = 0x80, high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    more = 1;
  } else if (first >= 0xe0 && first <= 0xef) {
    more = 2;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    more = 3;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
  } else {
    return {0xfffd, 1, true};
  }
  char32_t point = first & (0x3fU >> more);
  int length = 1;
  for (; length <= more; ++length) {
    const size_t next = at + static_cast<size_t>(length);
    if (next >= bytes.size() || byte(next) < low || byte(next) > high)
      return {0xfffd, length, true};
    point = point << 6 | (byte(next) & 0x3fU);
    low = 0x80, high = 0xbf;
  }
  return {point, length, false};
}

std::u32string from_utf8(std::string_view bytes) {
  std::u32string text;
  text.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const Decoded next = decode_at(bytes, at);
    text += next.point;
    at += static_cast<size_t>(next.length);
  }
  return text;
}

void append_utf8(char32_t c, std::string& out) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

std::string to_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_utf8(c, out);
  return out;
}

std::string valid_utf8(std::string_view bytes) { return to_utf8(from_utf8(bytes)); }

bool is_letter(char32_t c) {
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}
bool is_number(char32_t c) {
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}
bool is_decimal(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }
bool is_nonspacing_mark(char32_t c) { return category(c) == UTF8PROC_CATEGORY_MN; }
bool is_mark_symbol_or_punctuation(char32_t c) {
  const auto kind = category(c);
  return (kind >= UTF8PROC_CATEGORY_MN && kind <= UTF8PROC_CATEGORY_ME) ||
         (kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_SO);
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}
bool is_python_space(char32_t c) { return is_white_space(c) || (c >= 0x1c && c <= 0x1f); }
bool is_word(char32_t c) { return c == U'_' || is_letter(c) || is_number(c); }

int decimal_value(char32_t c) {
  // Decimal digits lie in runs of ten that start with their zero.
  char32_t start = c;
  while (start > 0 && is_decimal(start - 1)) --start;
  return static_cast<int>((c - start) % 10);
}

std::u32string lower(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == 0x130)
      out += U"i\u0307";
    else if (text[i] == 0x3a3)
      out += ends_word(text, i) ? U'\u03c2' : U'\u03c3';
    else
      out += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(text[i])));
  }
  return out;
}

std::u32string nfkd(std::u32string_view text) {
  return normalised(text, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
}
std::u32string nfkc(std::u32string_view text) {
  return normalised(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
}

std::vector<std::u32string> graphemes(std::u32string_view text) {
  std::vector<std::u32string> out;
  utf8proc_int32_t state = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts =
        i == 0 || utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(text[i - 1]),
                                                   static_cast<utf8proc_int32_t>(text[i]), &state);
    if (starts) out.emplace_back();
    out.back() += text[i];
  }
  return out;
}

std::vector<std::u32string> split_words(std::u32string_view text) {
  std::vector<std::u32string> words;
  bool inside = false;
  for (const char32_t c : text) {
    if (is_python_space(c)) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += c;
  }
  return words;
}

std::string strip(std::string_view utf8) {
  const std::u32string text = from_utf8(utf8);
  size_t begin = 0, end = text.size();
  while (begin < end && is_python_space(text[begin])) ++begin;
  while (end > begin && is_python_space(text[end - 1])) --end;
  return to_utf8(std::u32string_view(text).substr(begin, end - begin));
}

}  // namespace otoscope::model::text
