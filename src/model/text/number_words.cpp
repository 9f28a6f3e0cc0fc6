#include "model/text/number_words.h"

#include <array>
#include <map>

namespace otoscope::model::text {
namespace {

using Table = std::map<std::string, NumberWord, std::less<>>;

void add_ones(Table& table) {
  static constexpr std::array kNames{"one",     "two",       "three",    "four",     "five",
                                     "six",     "seven",     "eight",    "nine",     "ten",
                                     "eleven",  "twelve",    "thirteen", "fourteen", "fifteen",
                                     "sixteen", "seventeen", "eighteen", "nineteen"};
  for (int value = 1; value <= 19; ++value) {
    const std::string name = kNames[static_cast<size_t>(value) - 1];
    table[name] = {NumberKind::one_to_19, value, ""};
    table[value == 6 ? "sixes" : name + "s"] = {NumberKind::ones_end, value, "s"};
    if (value > 3 && value != 5 && value != 12)
      table[name + (name.back() == 't' ? "h" : "th")] = {NumberKind::ones_end, value, "th"};
  }
  table["zeroth"] = {NumberKind::ones_end, 0, "th"};
  table["first"] = {NumberKind::ones_end, 1, "st"};
  table["second"] = {NumberKind::ones_end, 2, "nd"};
  table["third"] = {NumberKind::ones_end, 3, "rd"};
  table["fifth"] = {NumberKind::ones_end, 5, "th"};
  table["twelfth"] = {NumberKind::ones_end, 12, "th"};
}

void add_tens(Table& table) {
  static constexpr std::array kStems{"twent", "thirt",  "fort",  "fift",
                                     "sixt",  "sevent", "eight", "ninet"};
  for (int i = 0; i < 8; ++i) {
    const std::string stem = kStems[static_cast<size_t>(i)];
    const int value = 20 + 10 * i;
    table[stem + "y"] = {NumberKind::tens, value, ""};
    table[stem + "ies"] = {NumberKind::tens_end, value, "s"};
    table[stem + "ieth"] = {NumberKind::tens_end, value, "th"};
  }
}

void add_multipliers(Table& table) {
  static constexpr std::array kNames{"thousand",    "million",     "billion",    "trillion",
                                     "quadrillion", "quintillion", "sextillion", "septillion",
                                     "octillion",   "nonillion",   "decillion"};
  const auto add = [&](const std::string& name, int power) {
    table[name] = {NumberKind::multiplier, power, ""};
    table[name + "s"] = {NumberKind::multiplier_end, power, "s"};
    table[name + "th"] = {NumberKind::multiplier_end, power, "th"};
  };
  add("hundred", 2);
  for (int i = 0; i < 11; ++i) add(kNames[static_cast<size_t>(i)], 3 * (i + 1));
}

Table build() {
  Table table;
  for (const char* zero : {"o", "oh", "zero"}) table[zero] = {NumberKind::zero, 0, ""};
  add_ones(table);
  add_tens(table);
  add_multipliers(table);
  for (const char* minus : {"minus", "negative"}) table[minus] = {NumberKind::sign, 0, "-"};
  for (const char* plus : {"plus", "positive"}) table[plus] = {NumberKind::sign, 0, "+"};
  for (const auto& [name, symbol] : {std::pair("pound", "\u00a3"), std::pair("euro", "\u20ac"),
                                     std::pair("dollar", "$"), std::pair("cent", "\u00a2")}) {
    table[name] = {NumberKind::currency, 0, symbol};
    table[std::string(name) + "s"] = {NumberKind::currency, 0, symbol};
  }
  for (const char* word : {"per", "percent"}) table[word] = {NumberKind::percent, 0, "%"};
  for (const char* word : {"and", "double", "triple", "point"})
    table[word] = {NumberKind::special, 0, ""};
  return table;
}

}  // namespace

std::optional<NumberWord> find_number_word(std::string_view word) {
  static const Table table = build();
  const auto found = table.find(word);
  if (found == table.end()) return {};
  return found->second;
}

}  // namespace otoscope::model::text
