#include "store/corpora/prompt_texts.h"

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"

namespace otoscope::store {
namespace {

/// Well-formed UTF-8 (RFC 3629): lengths, continuation bytes, no overlong forms or surrogates.
bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = lead < 0x80 ? 0 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : -1;
    if (more < 0 || lead > 0xf4 || i + static_cast<size_t>(more) >= text.size()) return false;
    uint32_t code = more == 0 ? lead : lead & (0x3fu >> more);
    for (int j = 1; j <= more; ++j) {
      const auto byte = static_cast<unsigned char>(text[i + static_cast<size_t>(j)]);
      if ((byte & 0xc0) != 0x80) return false;
      code = code << 6 | (byte & 0x3f);
    }
    const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += static_cast<size_t>(more) + 1;
  }
  return true;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace

std::map<std::string, std::string> parse_prompt_texts(std::string_view file,
                                                      std::string_view where) {
  if (file.starts_with("\xef\xbb\xbf")) file.remove_prefix(3);
  if (!is_utf8(file)) throw UserError(where, "expected UTF-8 text, got other bytes");
  std::map<std::string, std::string> texts;
  for (const std::string& raw : split(file, '\n')) {
    const std::string line = trimmed(raw);
    const size_t colon = line.find(':');
    if (line.empty() || line[0] == ';' || colon == std::string::npos) continue;
    texts.emplace(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  return texts;
}

std::string spoken_text(std::string_view text) {
  std::string words;
  int depth = 0;
  for (const char c : text) {
    const bool opens = c == '(' || c == '[' || c == '<', closes = c == ')' || c == ']' || c == '>';
    if (opens) ++depth;
    const bool blank = c == ' ' || c == '\t' || opens || closes;
    if (blank) {
      if (!words.empty() && words.back() != ' ') words += ' ';
    } else if (depth == 0) {
      words += c;
    }
    if (closes && depth > 0) --depth;
  }
  return trimmed(words);
}

bool describes_a_sound(std::string_view text) { return !text.empty() && spoken_text(text).empty(); }

const std::string* text_of(const std::map<std::string, std::string>& texts, const std::string& id) {
  if (const auto exact = texts.find(id); exact != texts.end()) return &exact->second;
  for (const auto& [key, text] : texts)
    if (lower(key) == lower(id)) return &text;
  return nullptr;
}

}  // namespace otoscope::store
