#include "model/text/numbers.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "model/text/number_words.h"
#include "model/text/rewrite.h"
#include "model/text/unicode.h"

namespace otoscope::model::text {
namespace {

/// Decimal digits without leading zeros: numbers here have no upper bound, and all that is done to
/// them is done to their last digits.
std::string canonical(std::string digits) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  return digits.empty() ? "0" : digits;
}

bool ends_in_zeros(const std::string& digits, size_t count) {
  return digits == "0" || (digits.size() >= count &&
                           digits.substr(digits.size() - count) == std::string(count, '0'));
}

/// digits + small, where digits ends in as many zeros as small has digits.
std::string fill_zeros(std::string digits, int small) {
  const std::string add = std::to_string(small);
  if (digits == "0") return add;
  digits.replace(digits.size() - add.size(), add.size(), add);
  return digits;
}

std::string add(const std::string& a, const std::string& b) {
  std::string sum;
  int carry = 0;
  for (size_t i = 0; i < std::max(a.size(), b.size()) || carry > 0; ++i) {
    if (i < a.size()) carry += a[a.size() - 1 - i] - '0';
    if (i < b.size()) carry += b[b.size() - 1 - i] - '0';
    sum += static_cast<char>('0' + carry % 10);
    carry /= 10;
  }
  std::reverse(sum.begin(), sum.end());
  return canonical(sum);
}

/// The last three digits times 10^power, the others kept: "2 thousand 5" times hundred is 2,500.
std::string multiply_last(const std::string& digits, int power) {
  const size_t cut = digits.size() > 3 ? digits.size() - 3 : 0;
  const std::string before = cut > 0 ? digits.substr(0, cut) + "000" : "0";
  return add(before, canonical(digits.substr(cut)) + std::string(static_cast<size_t>(power), '0'));
}

/// A decimal fraction: digits before and after the point.
struct Fraction {
  std::string whole, part;

  static std::optional<Fraction> parse(const std::string& utf8) {
    Fraction f;
    bool point = false;
    const std::u32string text = from_utf8(utf8);
    for (const char32_t c : text) {
      if (c == U'.' && !point)
        point = true;
      else if (is_decimal(c))
        (point ? f.part : f.whole) += static_cast<char>('0' + decimal_value(c));
      else
        return {};
    }
    if (f.whole.empty() && f.part.empty()) return {};
    return f;
  }
  /// this * 10^power, if that is whole.
  std::optional<std::string> times(int power) const {
    const std::string kept = part.substr(0, part.find_last_not_of('0') + 1);
    const auto n = static_cast<size_t>(power);
    if (kept.size() > n) return {};
    return canonical(whole + kept + std::string(n - kept.size(), '0'));
  }
};

/// \d+(\.\d+)?
bool is_numeric(const std::string& word) {
  const std::u32string text = from_utf8(word);
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && is_decimal(text[at])) ++at;
    return at > begin;
  };
  if (!digits()) return false;
  if (at == text.size()) return true;
  if (text[at++] != U'.') return false;
  return digits() && at == text.size();
}

std::string first_symbol(const std::string& word) {
  for (const char* symbol : {"-", "+", "\u00a3", "\u20ac", "$", "\u00a2"})
    if (word.rfind(symbol, 0) == 0) return symbol;
  return {};
}

/// Reads words from left to right and holds the number that they have built so far.
class Reader {
 public:
  explicit Reader(const std::vector<std::string>& words) : words_(words) {}

  std::vector<std::string> run() {
    for (at_ = 0; at_ < words_.size(); ++at_) read(words_[at_]);
    flush();
    return std::move(out_);
  }

 private:
  enum class Held { nothing, integer, text };

  const std::string* neighbour(int by) const {
    const size_t i = at_ + static_cast<size_t>(by);
    return i < words_.size() ? &words_[i] : nullptr;
  }
  static bool is(const std::string* word, NumberKind kind) {
    const auto found = word != nullptr ? find_number_word(*word) : std::nullopt;
    return found && found->kind == kind;
  }
  static bool in_grammar(const std::string* word) {
    return word != nullptr && find_number_word(*word).has_value();
  }
  bool next_is_numeric() const {
    const std::string* next = neighbour(1);
    return next != nullptr && is_numeric(*next);
  }

  void put(const std::string& text) {
    out_.push_back(prefix_ + text);
    prefix_.clear();
    held_ = Held::nothing;
    value_.clear();
  }
  void flush() {
    if (held_ != Held::nothing) put(value_);
  }
  void hold_integer(std::string digits) { held_ = Held::integer, value_ = std::move(digits); }
  void hold_text(std::string text) { held_ = Held::text, value_ = std::move(text); }
  /// What further digits are written behind; a bare integer 0 counts as nothing.
  std::string written() const {
    return held_ == Held::integer && value_ == "0" ? std::string() : value_;
  }

  void read(const std::string& word) {
    const std::string symbol = first_symbol(word);
    if (const std::string bare = word.substr(symbol.size()); is_numeric(bare)) {
      read_digits(word, symbol, bare);
      return;
    }
    const auto known = find_number_word(word);
    if (!known) {
      flush();
      put(word);
      return;
    }
    switch (known->kind) {
      case NumberKind::zero:
        hold_text(written() + "0");
        break;
      case NumberKind::one_to_19:
        read_ones(known->value);
        break;
      case NumberKind::ones_end:
        read_ones(known->value);
        put(value_ + known->text);
        break;
      case NumberKind::tens:
        read_tens(known->value);
        break;
      case NumberKind::tens_end:
        read_tens(known->value);
        put(value_ + known->text);
        break;
      case NumberKind::multiplier:
        read_multiplier(known->value);
        break;
      case NumberKind::multiplier_end:
        read_multiplier_end(known->value, known->text);
        break;
      case NumberKind::sign:
        flush();
        if (in_grammar(neighbour(1)) || next_is_numeric())
          prefix_ = known->text;
        else
          put(word);
        break;
      case NumberKind::currency:
        if (held_ != Held::nothing) {
          prefix_ = known->text;
          flush();
        } else {
          put(word);
        }
        break;
      case NumberKind::percent:
        read_percent(word);
        break;
      case NumberKind::special:
        read_special(word);
        break;
    }
  }

  void read_digits(const std::string& word, const std::string& symbol, const std::string& bare) {
    if (held_ == Held::text && value_.back() == '.') {
      hold_text(value_ + word);  // decimals, or parts of an address
      return;
    }
    flush();
    if (!symbol.empty()) prefix_ = symbol;
    if (const auto whole = Fraction::parse(bare)->times(0))
      hold_integer(*whole);
    else
      hold_text(bare);
  }

  void read_ones(int value) {
    const std::string digits = std::to_string(value);
    const std::string* before = neighbour(-1);
    if (held_ == Held::nothing) {
      hold_integer(digits);
    } else if (held_ == Held::text || is(before, NumberKind::one_to_19)) {
      if (is(before, NumberKind::tens) && value < 10)
        hold_text(value_.substr(0, value_.size() - 1) + digits);  // "1 9 | ninety five"
      else
        hold_text(value_ + digits);
    } else if (ends_in_zeros(value_, value < 10 ? 1 : 2)) {
      hold_integer(fill_zeros(value_, value));
    } else {
      hold_text(value_ + digits);
    }
  }

  void read_tens(int value) {
    if (held_ == Held::nothing)
      hold_integer(std::to_string(value));
    else if (held_ == Held::integer && ends_in_zeros(value_, 2))
      hold_integer(fill_zeros(value_, value));
    else
      hold_text(value_ + std::to_string(value));
  }

  void read_multiplier(int power) {
    const std::string multiplier = "1" + std::string(static_cast<size_t>(power), '0');
    if (held_ == Held::nothing) {
      hold_integer(multiplier);
    } else if (held_ == Held::text) {
      const auto fraction = Fraction::parse(value_);
      if (const auto product = fraction ? fraction->times(power) : std::nullopt) {
        hold_integer(*product);
      } else {
        flush();
        hold_integer(multiplier);
      }
    } else {
      hold_integer(multiply_last(value_, power));
    }
  }

  void read_multiplier_end(int power, const std::string& suffix) {
    const std::string multiplier = "1" + std::string(static_cast<size_t>(power), '0');
    if (held_ == Held::nothing) {
      put(multiplier + suffix);
    } else if (held_ == Held::text) {
      const auto fraction = Fraction::parse(value_);
      if (const auto product = fraction ? fraction->times(power) : std::nullopt) {
        put(*product + suffix);
      } else {
        flush();
        put(multiplier + suffix);
      }
    } else {
      put(multiply_last(value_, power) + suffix);
    }
  }

  void read_percent(const std::string& word) {
    if (held_ == Held::nothing) {
      put(word);
    } else if (word != "per") {
      put(value_ + "%");
    } else if (const std::string* next = neighbour(1); next != nullptr && *next == "cent") {
      put(value_ + "%");
      ++at_;
    } else {
      flush();
      put(word);
    }
  }

  void read_special(const std::string& word) {
    const std::string* next = neighbour(1);
    const bool number_follows = in_grammar(next) || next_is_numeric();
    const bool digit_follows = is(next, NumberKind::one_to_19) || is(next, NumberKind::zero);
    if (!number_follows) {
      flush();
      put(word);
    } else if (word == "and") {
      if (is(neighbour(-1), NumberKind::multiplier)) return;
      flush();
      put(word);
    } else if (word == "point") {
      if (digit_follows || is(next, NumberKind::tens) || next_is_numeric())
        hold_text(written() + ".");
    } else if (digit_follows) {
      const std::string digits =
          is(next, NumberKind::zero) ? "0" : std::to_string(find_number_word(*next)->value);
      hold_text(written() + digits + digits + (word == "triple" ? digits : ""));
      ++at_;
    } else {
      flush();
      put(word);
    }
  }

  const std::vector<std::string>& words_;
  size_t at_ = 0;
  std::vector<std::string> out_;
  std::string prefix_, value_;
  Held held_ = Held::nothing;
};

/// "… and a half" after a number word becomes "point five".
std::u32string halves_to_decimals(std::u32string_view text) {
  std::vector<std::u32string> parts;  // between the matches of \band\s+a\s+half\b
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    const auto literal = [&](std::u32string_view word) {
      if (text.substr(end, word.size()) != word) return false;
      end += word.size();
      return true;
    };
    const auto spaces = [&] {
      const size_t from = end;
      while (end < text.size() && is_python_space(text[end])) ++end;
      return end > from;
    };
    if (at_word_boundary(text, at) && literal(U"and") && spaces() && literal(U"a") && spaces() &&
        literal(U"half") && at_word_boundary(text, end)) {
      parts.emplace_back(text.substr(begin, at - begin));
      begin = at = end;
    } else {
      ++at;
    }
  }
  parts.emplace_back(text.substr(begin));

  std::u32string out;
  const auto append = [&](std::u32string_view part) {
    if (!out.empty()) out += U' ';
    out += part;
  };
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto words = split_words(parts[i]);
    if (words.empty()) continue;
    append(parts[i]);
    if (i + 1 == parts.size()) continue;
    const auto last = find_number_word(to_utf8(words.back()));
    const bool number =
        last && (last->kind == NumberKind::zero || last->kind == NumberKind::tens ||
                 last->kind == NumberKind::one_to_19 || last->kind == NumberKind::multiplier);
    append(number ? U"point five" : U"and a half");
  }
  return out;
}

bool is_latin(char32_t c) { return c >= U'a' && c <= U'z'; }

/// A space between a-z and 0-9, but none between a number and its suffix.
std::u32string part_letters_from_digits(std::u32string_view text) {
  std::u32string spaced;
  for (size_t i = 0; i < text.size(); ++i) {
    spaced += text[i];
    if (i + 1 < text.size() && ((is_latin(text[i]) && is_ascii_digit(text[i + 1])) ||
                                (is_ascii_digit(text[i]) && is_latin(text[i + 1]))))
      spaced += U' ';
  }
  std::u32string out;
  for (size_t i = 0; i < spaced.size(); ++i) {
    out += spaced[i];
    if (!is_ascii_digit(spaced[i])) continue;
    size_t end = i + 1;
    while (end < spaced.size() && is_python_space(spaced[end])) ++end;
    if (end == i + 1) continue;
    for (const std::u32string_view suffix : {U"st", U"nd", U"rd", U"th", U"s"})
      if (spaced.compare(end, suffix.size(), suffix) == 0 &&
          at_word_boundary(spaced, end + suffix.size())) {
        i = end - 1;
        break;
      }
  }
  return out;
}

bool is_currency(char32_t c) { return c == U'\u20ac' || c == U'\u00a3' || c == U'$'; }

/// One or two digits at `at` that end at a boundary; 0 if there are none.
size_t cents_at(std::u32string_view text, size_t at) {
  for (const size_t n : {size_t{2}, size_t{1}}) {
    bool digits = at + n <= text.size();
    for (size_t i = 0; digits && i < n; ++i) digits = is_ascii_digit(text[at + i]);
    if (digits && at_word_boundary(text, at + n)) return n;
  }
  return 0;
}

/// "$2 and ¢7" -> "$2.07"
std::u32string join_cents(std::u32string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    while (is_currency(text[i]) && end < text.size() && is_ascii_digit(text[end])) ++end;
    size_t cents = 0, n = 0;
    if (end > i + 1) {
      for (const std::u32string_view between : {U" and \u00a2", U" \u00a2"})
        if (text.substr(end, between.size()) == between) {
          cents = end + between.size();
          n = cents_at(text, cents);
          break;
        }
    }
    if (n == 0) {
      out += text[i++];
      continue;
    }
    out += text.substr(i, end - i);
    out += U'.';
    if (n == 1) out += U'0';
    out += text.substr(cents, n);
    i = cents + n;
  }
  return out;
}

/// "$0.05" -> "¢5"; whatever stands between 0 and the cents.
std::u32string bare_cents(std::u32string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    const bool zero =
        is_currency(text[i]) && i + 2 < text.size() && text[i + 1] == U'0' && text[i + 2] != U'\n';
    const size_t n = zero ? cents_at(text, i + 3) : 0;
    if (n == 0) {
      out += text[i++];
      continue;
    }
    std::u32string_view digits = text.substr(i + 3, n);
    if (n == 2 && digits[0] == U'0') digits.remove_prefix(1);
    out += U'\u00a2';
    out += digits;
    i += 3 + n;
  }
  return out;
}

}  // namespace

std::u32string numbers_to_digits(std::u32string_view text) {
  std::vector<std::string> words;
  for (const auto& word : split_words(part_letters_from_digits(halves_to_decimals(text))))
    words.push_back(to_utf8(word));
  std::string joined;
  for (const std::string& word : Reader(words).run()) {
    if (!joined.empty()) joined += ' ';
    joined += word;
  }
  const std::u32string s = bare_cents(join_cents(from_utf8(joined)));
  return replace_word(replace_word(s, U"1", U"one"), U"1s", U"ones");
}

}  // namespace otoscope::model::text
