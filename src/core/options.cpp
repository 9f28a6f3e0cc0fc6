#include "otoscope/core/options.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"

namespace otoscope {
namespace {

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string expectation(const OptionRef& option, std::string_view kind) {
  std::string text(kind);
  const bool low = std::isfinite(option.range.low), high = std::isfinite(option.range.high);
  if (low && high)
    text += " in [" + number_text(option.range.low) + ", " + number_text(option.range.high) + "]";
  else if (low)
    text += " of at least " + number_text(option.range.low);
  return text;
}

template <class Number>
Number parse_number(const OptionRef& option, std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto as_double = static_cast<double>(value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(as_double) ||
      as_double < option.range.low || as_double > option.range.high)
    throw UserError(
        "--" + option.name,
        "expected " +
            expectation(option, std::is_integral_v<Number> ? "a whole number" : "a number") +
            ", got " + std::string(text),
        option.sentence);
  return value;
}

void check_choice(const OptionRef& option, const std::string& text) {
  if (option.choices.empty()) return;
  for (const std::string& choice : option.choices)
    if (choice == text) return;
  throw UserError("--" + option.name, "expected one of " + join(option.choices) + ", got " + text,
                  "did you mean " + nearest_names(text, option.choices, 1)[0]);
}

struct Setter {
  const OptionRef& option;
  std::string_view text;

  void operator()(bool* target) const {
    if (text == "true" || text.empty())
      *target = true;
    else if (text == "false")
      *target = false;
    else
      throw UserError("--" + option.name, "expected true or false, got " + std::string(text));
  }
  void operator()(std::string* target) const {
    check_choice(option, std::string(text));
    *target = text;
  }
  void operator()(std::vector<std::string>* target) const {
    for (const std::string& part : split(text, ',')) {
      check_choice(option, part);
      target->push_back(part);
    }
  }
  template <class Number>
  void operator()(std::vector<Number>* target) const {
    for (const std::string& part : split(text, ','))
      target->push_back(parse_number<Number>(option, part));
  }
  template <class Number>
  void operator()(Number* target) const {
    *target = parse_number<Number>(option, text);
  }
};

struct Emptier {
  template <class T>
  void operator()(T*) const {}
  template <class T>
  void operator()(std::vector<T>* list) const {
    list->clear();
  }
};

struct Printer {
  std::string operator()(const bool* target) const { return *target ? "true" : "false"; }
  std::string operator()(const std::string* target) const { return *target; }
  std::string operator()(const std::vector<std::string>* target) const {
    return join(*target, ",");
  }
  template <class Number>
  std::string operator()(const std::vector<Number>* target) const {
    std::vector<std::string> parts;
    for (const Number value : *target) parts.push_back((*this)(&value));
    return join(parts, ",");
  }
  template <class Number>
  std::string operator()(const Number* target) const {
    if constexpr (std::is_integral_v<Number>)
      return std::to_string(*target);
    else
      return number_text(static_cast<double>(*target));
  }
};

}  // namespace

bool is_flag(const OptionRef& option) { return std::holds_alternative<bool*>(option.target); }

void set_option(const OptionRef& option, std::string_view text) {
  std::visit(Setter{option, text}, option.target);
}

void clear_list(const OptionRef& option) { std::visit(Emptier{}, option.target); }

std::string option_text(const OptionRef& option) { return std::visit(Printer{}, option.target); }

const OptionRef& find_option(const std::vector<OptionRef>& options, std::string_view name) {
  std::vector<std::string> names;
  for (const OptionRef& option : options) {
    if (option.name == name) return option;
    names.push_back(option.name);
  }
  std::vector<std::string> hints;
  for (const std::string& near : nearest_names(name, names)) hints.push_back("--" + near);
  throw UserError("--" + std::string(name), "expected a known option, got one that is not",
                  hints.empty() ? "this takes no options" : "the nearest are " + join(hints));
}

}  // namespace otoscope
