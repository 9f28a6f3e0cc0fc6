#include <fmt/format.h>

#include "otoscope/core/errors.h"
#include "otoscope/labels/analysers.h"

namespace otoscope::labels {
namespace {

/// One lexical unit between ^ and $.
class Unit {
 public:
  Unit(std::string_view line, size_t& at, std::string_view where)
      : line_(line), at_(at), where_(where) {}

  Token read() {
    Token token;
    token.surface = text("/$");
    while (here() == '/') {
      ++at_;
      if (here() == '*') {  // unknown: the surface again
        ++at_;
        text("/$");
        continue;
      }
      Reading reading = read_reading();
      if (!reading.parts.empty()) token.readings.push_back(std::move(reading));
    }
    if (here() != '$') refuse("expected $");
    ++at_;
    return token;
  }

 private:
  [[noreturn]] void refuse(const char* problem) const {
    throw UserError(where_, fmt::format("{} at byte {} of Apertium's stream", problem, at_));
  }
  char here() const { return at_ < line_.size() ? line_[at_] : '\0'; }

  /// Up to one of `ends`, escapes undone.
  std::string text(std::string_view ends) {
    std::string out;
    for (; at_ < line_.size() && ends.find(line_[at_]) == ends.npos; ++at_) {
      if (line_[at_] == '\\' && at_ + 1 < line_.size()) ++at_;
      out += line_[at_];
    }
    if (at_ >= line_.size()) refuse("expected the end of a token");
    return out;
  }

  Reading read_reading() {
    Reading reading;
    for (;;) {
      Reading::Part part;
      part.lemma = text("</$");
      while (here() == '<') {
        ++at_;
        std::string tag = text(">");
        ++at_;
        // <@CNP> and the like are a constraint grammar's marks.
        if (!tag.starts_with('@')) part.tags.push_back(std::move(tag));
      }
      // What follows tags may be the rest of a multiword's lemma ("take<vblex># out").
      if (here() == '#') part.lemma += text("+/$<");
      if (!part.tags.empty()) reading.parts.push_back(std::move(part));
      if (here() == '<') continue;
      if (here() != '+') break;
      ++at_;
    }
    if (here() != '/' && here() != '$') refuse("expected / or $");
    return reading;
  }

  std::string_view line_;
  size_t& at_;
  std::string_view where_;
};

}  // namespace

std::vector<Token> parse_stream_line(std::string_view line, std::string_view where) {
  std::vector<Token> tokens;
  for (size_t at = 0; at < line.size();) {
    const char c = line[at++];
    if (c == '\\') ++at;
    if (c == '^') tokens.push_back(Unit(line, at, where).read());
  }
  return tokens;
}

}  // namespace otoscope::labels
