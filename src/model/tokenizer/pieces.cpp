#include "model/tokenizer/pieces.h"

#include "model/text/unicode.h"

namespace otoscope::model {
namespace {

enum class Kind { space, letter, number, other, end };

struct Character {
  Kind kind = Kind::end;
  size_t next = 0;  // where the following one starts
};

Character character_at(std::string_view text, size_t at) {
  if (at >= text.size()) return {Kind::end, at};
  const text::Decoded c = text::decode_at(text, at);
  const Kind kind = c.broken                        ? Kind::other
                    : text::is_white_space(c.point) ? Kind::space
                    : text::is_letter(c.point)      ? Kind::letter
                    : text::is_number(c.point)      ? Kind::number
                                                    : Kind::other;
  return {kind, at + static_cast<size_t>(c.length)};
}

size_t contraction(std::string_view rest) {
  for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (rest.substr(0, ending.size()) == ending) return ending.size();
  return 0;
}

size_t end_of_piece(std::string_view text, size_t begin) {
  if (const size_t length = contraction(text.substr(begin))) return begin + length;
  Character c = character_at(text, begin);
  if (text[begin] == ' ') {
    const Character after = character_at(text, c.next);
    if (after.kind != Kind::space && after.kind != Kind::end) c = after;
  }
  if (c.kind != Kind::space) {
    size_t end = c.next;
    for (Character next = character_at(text, end); next.kind == c.kind;
         next = character_at(text, end))
      end = next.next;
    return end;
  }
  // White space: all of it at the end of the text, else all but the last, which may lead a word.
  size_t end = c.next, last = begin;
  Character next = character_at(text, end);
  for (; next.kind == Kind::space; next = character_at(text, end)) {
    last = end;
    end = next.next;
  }
  return next.kind == Kind::end || last == begin ? end : last;
}

}  // namespace

std::vector<std::string_view> split_pieces(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = end_of_piece(text, begin);
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

}  // namespace otoscope::model
