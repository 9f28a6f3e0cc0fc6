#include "audio/text_encoding.h"

#include <cstdint>

#include "otoscope/core/errors.h"

namespace otoscope::audio {
namespace {

void append(std::string& text, uint32_t code) {
  const auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  }
}

std::string from_utf16(std::string_view bytes, bool big_end_first, std::string_view where) {
  const auto unit = [&](size_t i) {
    const auto a = static_cast<uint8_t>(bytes[i]), b = static_cast<uint8_t>(bytes[i + 1]);
    return static_cast<uint32_t>(big_end_first ? a << 8 | b : b << 8 | a);
  };
  const auto refuse = [&](size_t i) {
    throw UserError(where, "expected UTF-16, got half a character at byte " + std::to_string(i));
  };
  if (bytes.size() % 2 != 0) refuse(bytes.size() - 1);
  std::string text;
  for (size_t i = 2; i < bytes.size(); i += 2) {
    uint32_t code = unit(i);
    if (code >= 0xDC00 && code < 0xE000) refuse(i);
    if (code >= 0xD800 && code < 0xDC00) {
      if (i + 3 >= bytes.size()) refuse(i);
      const uint32_t low = unit(i += 2);
      if (low < 0xDC00 || low >= 0xE000) refuse(i);
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append(text, code);
  }
  return text;
}

/// First byte that is not UTF-8 (RFC 3629: no overlong forms, no surrogates), or npos.
size_t bad_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xC2 ? 0
                          : lead < 0xE0 ? 2
                          : lead < 0xF0 ? 3
                          : lead < 0xF5 ? 4
                                        : 0;
    if (length == 0 || i + length > text.size()) return i;
    for (size_t k = 1; k < length; ++k)
      if ((static_cast<uint8_t>(text[i + k]) & 0xC0) != 0x80) return i;
    const auto second = length > 1 ? static_cast<uint8_t>(text[i + 1]) : 0;
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second >= 0x90))
      return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace

std::string utf8_of(std::string_view bytes, std::string_view where) {
  if (bytes.starts_with("\xFE\xFF")) return from_utf16(bytes, true, where);
  if (bytes.starts_with("\xFF\xFE")) return from_utf16(bytes, false, where);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (const size_t bad = bad_utf8(bytes); bad != bytes.npos)
    throw UserError(where, "expected UTF-8 or UTF-16, got another byte at " + std::to_string(bad),
                    "save it as UTF-8");
  return std::string(bytes);
}

}  // namespace otoscope::audio
