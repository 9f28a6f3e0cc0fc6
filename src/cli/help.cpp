#include "cli/help.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/text.h"
#include "otoscope/core/version.h"

namespace otoscope::cli {
namespace {

constexpr size_t kColumns = 80;

/// Words of `text` in lines of at most kColumns, each after the first indented.
std::string wrapped(const std::string& text, size_t first, size_t indent) {
  std::string out;
  size_t column = first;
  for (const std::string& word : split(text, ' ')) {
    if (column + word.size() + 1 > kColumns && column > indent) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!out.empty()) {
      out += ' ', ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string limits_of(const OptionRef& option) {
  if (!option.choices.empty()) return " (" + join(option.choices, " | ") + ")";
  const auto number = [](double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  };
  if (std::isfinite(option.range.low) && std::isfinite(option.range.high))
    return " (" + number(option.range.low) + " to " + number(option.range.high) + ")";
  return "";
}

std::string option_lines(const std::vector<OptionRef>& options) {
  size_t widest = 0;
  for (const OptionRef& option : options) widest = std::max(widest, option.name.size());
  const size_t indent = widest + 6;
  std::string text;
  for (const OptionRef& option : options) {
    std::string line = "  --" + option.name;
    line.resize(indent, ' ');
    const std::string value = option_text(option);
    std::string what = option.sentence + limits_of(option);
    if (!is_flag(option) && !value.empty()) what += " [" + value + "]";
    text += line + wrapped(what, indent, indent) + "\n";
  }
  return text;
}

}  // namespace

std::string help_of_program() {
  std::string text = "otoscope " + std::string(kVersion) +
                     " looks inside speech models: sparse, nameable features of Whisper.\n\n"
                     "usage: otoscope VERB [arguments] [--options]\n\n";
  size_t widest = 0;
  for (const VerbEntry& entry : verbs())
    widest = std::max(widest, std::string_view(entry.name).size());
  for (const VerbEntry& entry : verbs()) {
    std::string line = "  " + std::string(entry.name);
    line.resize(widest + 4, ' ');
    text += line + wrapped(entry.summary, widest + 4, widest + 4) + "\n";
  }
  return text + "\n`otoscope VERB --help` tells more, with an example.";
}

std::string help_of_verb(const VerbEntry& entry, Verb& verb) {
  CommonOptions common;
  std::string text = "otoscope " + std::string(entry.name) + ": " + entry.summary + "\n\n";
  text += "usage: otoscope " + std::string(entry.name);
  if (!verb.usage().empty()) text += " " + verb.usage();
  text += " [--options]\nexample: otoscope " + verb.example() + "\n\n";
  const auto own = verb.options();
  if (!own.empty()) text += option_lines(own) + "\n";
  text += "for every verb:\n" + option_lines(options_of(common));
  text.pop_back();
  return text;
}

}  // namespace otoscope::cli
