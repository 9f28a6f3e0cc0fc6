#include "model/text/rewrite.h"

#include "model/text/unicode.h"

namespace otoscope::model::text {

bool at_word_boundary(std::u32string_view text, size_t at) {
  const bool before = at > 0 && is_word(text[at - 1]);
  const bool after = at < text.size() && is_word(text[at]);
  return before != after;
}

std::u32string replace_word(std::u32string_view text, std::u32string_view from,
                            std::u32string_view to, bool left) {
  std::u32string out;
  size_t at = 0;
  for (size_t found = text.find(from); found != std::u32string_view::npos;) {
    if ((!left || at_word_boundary(text, found)) && at_word_boundary(text, found + from.size())) {
      out += text.substr(at, found - at);
      out += to;
      at = found + from.size();
      found = text.find(from, at);
    } else {
      found = text.find(from, found + 1);
    }
  }
  out += text.substr(at);
  return out;
}

namespace {

/// [<\[][^>\]]*[>\]]
std::u32string drop_angles(std::u32string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == U'<' || text[at] == U'[') {
      const size_t end = text.find_first_of(U">]", at + 1);
      if (end == std::u32string_view::npos) {  // nothing closes from here on
        out += text.substr(at);
        break;
      }
      at = end + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

/// \(([^)]+?)\)
std::u32string drop_parentheses(std::u32string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == U'(' && at + 1 < text.size() && text[at + 1] != U')') {
      const size_t end = text.find(U')', at + 1);
      if (end == std::u32string_view::npos) {
        out += text.substr(at);
        break;
      }
      at = end + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

}  // namespace

std::u32string drop_brackets(std::u32string_view text) {
  return drop_parentheses(drop_angles(text));
}

std::u32string collapse_spaces(std::u32string_view text) {
  std::u32string out;
  bool inside = false;
  for (const char32_t c : text) {
    const bool space = is_python_space(c);
    if (!space) out += c;
    if (space && !inside) out += U' ';
    inside = space;
  }
  return out;
}

std::u32string join_apostrophes(std::u32string_view text) {
  std::u32string out;
  for (const char32_t c : text) {
    if (c == U'\'')
      while (!out.empty() && is_python_space(out.back())) out.pop_back();
    out += c;
  }
  return out;
}

std::u32string drop_digit_commas(std::u32string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    if (at + 2 < text.size() && is_decimal(text[at]) && text[at + 1] == U',' &&
        is_decimal(text[at + 2])) {
      out += text[at];
      out += text[at + 2];
      at += 3;  // the second digit is used up: 1,2,3 becomes 12,3
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::u32string drop_symbols_before_text(std::u32string_view text, std::u32string_view symbols,
                                        bool at_end) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    const bool symbol = symbols.find(text[at]) != std::u32string_view::npos;
    const bool last = at + 1 == text.size();
    if (symbol && !last && !is_ascii_digit(text[at + 1])) {
      out += U' ';
      out += text[at + 1];
      at += 2;
    } else {
      out += symbol && last && at_end ? U' ' : text[at];
      ++at;
    }
  }
  return out;
}

std::u32string drop_percent_after_text(std::u32string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    if (at + 1 < text.size() && !is_ascii_digit(text[at]) && text[at + 1] == U'%') {
      out += text[at];
      out += U' ';
      at += 2;
    } else {
      out += text[at++];
    }
  }
  return out;
}

}  // namespace otoscope::model::text
