#include "otoscope/audio/textgrid.h"

#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "audio/text_encoding.h"
#include "otoscope/core/errors.h"

namespace otoscope::audio {
namespace {

constexpr int64_t kMostTiers = 1000;
/// Programs round the ends of neighbours apart by no more.
constexpr double kTiling_s = 1.5e-3;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// The long form only adds names ("xmin =", "intervals [1]:") to the short one. What carries the
/// data: quoted texts, numbers that stand alone, <flags>; all else is passed over.
class Tokens {
 public:
  Tokens(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  [[noreturn]] void refuse(const std::string& problem) const {
    int64_t line = 1;
    for (const char c : text_.substr(0, at_)) line += c == '\n';
    throw UserError(fmt::format("{}:{}", where_, line), problem, "write it again with Praat");
  }

  std::string quoted(const std::string& what) {
    if (next() != Kind::quoted) refuse(fmt::format("expected {} in quotes, got {}", what, shown()));
    return value_;
  }
  double number(const std::string& what) {
    if (next() != Kind::number) refuse(fmt::format("expected {}, a number, got {}", what, shown()));
    return number_;
  }
  int64_t count(const std::string& what) {
    const double n = number(what);
    // Every entry takes at least two bytes ("0 "), so a count beyond the rest is a lie.
    if (!(n >= 0) || n != std::floor(n) || n > static_cast<double>(text_.size() - at_))
      refuse(fmt::format("expected {}, got {}", what, n));
    return static_cast<int64_t>(n);
  }
  bool exists() {
    if (next() != Kind::flag || (value_ != "exists" && value_ != "absent"))
      refuse(fmt::format("expected <exists> or <absent>, got {}", shown()));
    return value_ == "exists";
  }
  void expect_end() {
    if (next() != Kind::end) refuse(fmt::format("expected the end, got {}", shown()));
  }

 private:
  enum class Kind : uint8_t { end, quoted, number, flag };

  std::string shown() const {
    return kind_ == Kind::end ? "the end" : fmt::format("\"{}\"", value_.substr(0, 40));
  }

  Kind next() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_space(c)) {
        ++at_;
      } else if (c == '!') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '[') {
        at_ = past(']');
      } else if (c == '"') {
        read_quoted();
        return kind_ = Kind::quoted;
      } else if (c == '<') {
        const size_t end = past('>');
        value_ = text_.substr(at_ + 1, end - at_ - 2);
        at_ = end;
        return kind_ = Kind::flag;
      } else if (read_word()) {
        return kind_ = Kind::number;
      }
    }
    return kind_ = Kind::end;
  }

  size_t past(char closing) const {
    const size_t end = text_.find(closing, at_);
    if (end == text_.npos) refuse(fmt::format("expected {} before the end", closing));
    return end + 1;
  }
  void read_quoted() {
    value_.clear();
    for (size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] != '"') {
        value_ += text_[i];
      } else if (i + 1 < text_.size() && text_[i + 1] == '"') {
        value_ += text_[i++];
      } else {
        at_ = i + 1;
        return;
      }
    }
    refuse("expected a closing quote before the end");
  }
  /// Passes over a word; true where it is a number between white space.
  bool read_word() {
    size_t end = at_;
    while (end < text_.size() && !is_space(text_[end]) && text_[end] != '[' && text_[end] != '"')
      ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    const bool alone =
        (end == text_.size() || is_space(text_[end])) && (at_ == 0 || is_space(text_[at_ - 1]));
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), number_);
    at_ = std::max(end, at_ + 1);
    value_ = word;
    return alone && error == std::errc() && rest == word.data() + word.size() &&
           std::isfinite(number_);
  }

  std::string_view text_, where_;
  size_t at_ = 0;
  Kind kind_ = Kind::end;
  std::string value_;
  double number_ = 0;
};

Tier tier_of(Tokens& tokens) {
  Tier tier;
  const std::string type = tokens.quoted("a tier's class");
  if (type != "IntervalTier" && type != "TextTier")
    tokens.refuse(fmt::format("expected IntervalTier or TextTier, got \"{}\"", type));
  tier.points = type == "TextTier";
  tier.name = tokens.quoted("a tier's name");
  tier.start = tokens.number("a tier's start");
  tier.end = tokens.number("a tier's end");
  const int64_t entries = tokens.count("a number of entries");
  double before = tier.start;
  for (int64_t i = 0; i < entries; ++i) {
    Label entry;
    entry.start = tokens.number("a start");
    entry.end = tier.points ? entry.start : tokens.number("an end");
    entry.value = tokens.quoted("a label");
    if (entry.end < entry.start)
      tokens.refuse(fmt::format("\"{}\" ends at {} before it starts at {}", entry.value, entry.end,
                                entry.start));
    if (!tier.points && std::fabs(entry.start - before) > kTiling_s)
      tokens.refuse(
          fmt::format("expected an interval from {} on (they tile the tier), got \"{}\" "
                      "from {}",
                      before, entry.value, entry.start));
    if (tier.points && entry.start < before)
      tokens.refuse(fmt::format("expected points in order, got {} after {}", entry.start, before));
    before = entry.end;
    tier.entries.push_back(std::move(entry));
  }
  if (before > tier.end + kTiling_s)
    tokens.refuse(
        fmt::format("tier \"{}\" ends at {}, its last entry at {}", tier.name, tier.end, before));
  return tier;
}

}  // namespace

TextGrid parse_textgrid(std::string_view bytes, std::string_view where) {
  if (bytes.starts_with("ooBinaryFile"))
    throw UserError(where, "expected a TextGrid in text form, got a binary one",
                    "in Praat: Save as text file");
  const std::string text = utf8_of(bytes, where);
  Tokens tokens(text, where);
  if (tokens.quoted("ooTextFile") != "ooTextFile" || tokens.quoted("TextGrid") != "TextGrid")
    tokens.refuse("expected a file of type \"ooTextFile\" and class \"TextGrid\"");
  TextGrid grid;
  grid.start = tokens.number("the start");
  grid.end = tokens.number("the end");
  if (!tokens.exists()) return grid;
  const int64_t tiers = tokens.count("a number of tiers");
  if (tiers > kMostTiers)
    tokens.refuse(fmt::format("expected at most {} tiers, got {}", kMostTiers, tiers));
  for (int64_t i = 0; i < tiers; ++i) grid.tiers.push_back(tier_of(tokens));
  tokens.expect_end();
  return grid;
}

}  // namespace otoscope::audio
