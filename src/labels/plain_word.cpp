#include "otoscope/labels/plain_word.h"

#include <utf8proc.h>

namespace otoscope::labels {
namespace {

bool is_word_character(int32_t c) {
  const utf8proc_category_t category = utf8proc_category(c);
  return category <= UTF8PROC_CATEGORY_NO && category >= UTF8PROC_CATEGORY_LU;
}

}  // namespace

std::string plain_word(std::string_view word) {
  std::string out, pending;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(word.data());
  for (size_t at = 0; at < word.size();) {
    int32_t c = 0;
    const auto size =
        utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(word.size() - at), &c);
    if (size <= 0) break;
    at += static_cast<size_t>(size);
    utf8proc_uint8_t lower[4];
    const auto n = utf8proc_encode_char(utf8proc_tolower(c), lower);
    pending.append(reinterpret_cast<const char*>(lower), static_cast<size_t>(n));
    if (is_word_character(c)) {
      out += pending;
      pending.clear();
    } else if (out.empty()) {
      pending.clear();
    }
  }
  return out;
}

}  // namespace otoscope::labels
