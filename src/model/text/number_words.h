#pragma once
/// The words that the number grammar knows.

#include <optional>
#include <string>
#include <string_view>

namespace otoscope::model::text {

enum class NumberKind {
  zero,        // "oh"
  one_to_19,   // value
  ones_end,    // "sixth", "sixes": value and suffix
  tens,        // "forty"
  tens_end,    // "fortieth", "forties"
  multiplier,  // "million": value is the power of ten
  multiplier_end,
  sign,      // "minus": symbol before the number
  currency,  // "dollars": symbol before the number, word after
  percent,   // "percent", or "per" if "cent" follows
  special    // "and", "double", "triple", "point"
};

struct NumberWord {
  NumberKind kind{};
  int value = 0;
  std::string text;  // suffix or symbol
};

/// Nothing for words outside the grammar.
std::optional<NumberWord> find_number_word(std::string_view word);

}  // namespace otoscope::model::text
