#include "contexts/tables.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "otoscope/core/text.h"

namespace otoscope::contexts {
namespace {

std::string bare(double value, int digits) {
  std::string text = fmt::format("{:.{}f}", value, digits);
  if (text.starts_with('-') && text.find_first_of("123456789") == text.npos) text.erase(0, 1);
  if (text.starts_with("0.")) text.erase(0, 1);
  if (text.starts_with("-0.")) text.erase(1, 1);
  return text;
}

}  // namespace

std::string number(const io::OrderedJson& json, int digits) {
  return json.is_number() ? bare(json.get<double>(), digits) : "-";
}

std::string p_text(const io::OrderedJson& json) {
  return json.is_number() ? fmt::format("{:.2g}", json.get<double>()) : "-";
}

std::string estimate(const io::OrderedJson& e, int digits, double times) {
  const auto of = [&](const char* key) {
    return e.at(key).is_number() ? bare(times * e.at(key).get<double>(), digits) : "-";
  };
  if (!e.at("value").is_number()) return "-";
  return fmt::format("{} [{}, {}]", of("value"), of("low"), of("high"));
}

std::string wrapped(const std::string& text, size_t indent) {
  std::string out, line;
  for (const std::string& word : split(text, ' ')) {
    if (!line.empty() && line.size() + 1 + word.size() > 80) {
      out += line + "\n";
      line = std::string(indent, ' ') + word;
    } else {
      line += (line.empty() ? "" : " ") + word;
    }
  }
  return out + line;
}

std::string shortened(std::string text, size_t most) {
  if (text.size() <= most) return text;
  text.resize(most - 1);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80) != 0) text.pop_back();
  return text + "…";
}

}  // namespace otoscope::contexts
