#include "serve/bound_number.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/markup.h"
#include "otoscope/core/text.h"

namespace otoscope::serve {
namespace {

constexpr double kMost = 1e18;  // what fits an integer

const io::Json* find(const Document& document, const std::string& pointer) {
  const io::Json::json_pointer place(pointer);
  return document.json->contains(place) ? &document.json->at(place) : nullptr;
}

int digits_of(std::string_view format, std::string_view prefix) {
  return format.substr(0, prefix.size()) == prefix && format.size() == prefix.size() + 1 &&
                 format.back() >= '0' && format.back() <= '9'
             ? format.back() - '0'
             : -1;
}

std::string fixed(double value, int digits, bool with_sign = false) {
  char text[64];
  std::snprintf(text, sizeof text, with_sign ? "%+.*f" : "%.*f", digits, value);
  return text;
}

/// Of any size: a report of other people may hold numbers that no integer does.
std::string grouped(double value) {
  value = std::round(value);
  std::string text = fmt::format("{:.0f}", std::abs(value));
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3)
    text.insert(static_cast<size_t>(place), ",");
  return value < 0 ? "-" + text : text;
}

}  // namespace

bool known_format(std::string_view format) {
  for (const std::string_view name : {"count", "time", "bytes", "short"})
    if (format == name) return true;
  for (const std::string_view prefix : {"fixed", "signed", "percent"})
    if (digits_of(format, prefix) >= 0) return true;
  return false;
}

std::string formatted(double value, std::string_view format) {
  if (format == "count") return grouped(value);
  if (format == "time") return human_seconds(std::min(value, kMost));
  if (format == "bytes") return human_bytes(std::llround(std::clamp(value, -kMost, kMost)));
  if (format == "short") {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
  }
  if (const int digits = digits_of(format, "fixed"); digits >= 0) return fixed(value, digits);
  if (const int digits = digits_of(format, "signed"); digits >= 0)
    return fixed(value, digits, true);
  if (const int digits = digits_of(format, "percent"); digits >= 0)
    return fixed(100 * value, digits) + " %";
  OTO_ASSERT(!"a known number format");
  return {};
}

std::string bound(const Document& document, const std::string& pointer, std::string_view format) {
  const io::Json* value = find(document, pointer);
  if (value != nullptr && value->is_null()) return "<span class=\"none\">–</span>";
  if (value == nullptr || !value->is_number())
    throw UserError(document.file,
                    "expected a number at " + pointer + ", got " +
                        (value == nullptr ? "nothing" : value->type_name()),
                    "make the file again with this version");
  const double x = value->get<double>();
  return "<data value=\"" + markup_escaped(value->dump()) + "\" data-file=\"" +
         markup_escaped(document.file) + "\" data-pointer=\"" + markup_escaped(pointer) +
         "\" data-format=\"" + std::string(format) + "\">" + markup_escaped(formatted(x, format)) +
         "</data>";
}

std::string bound_estimate(const Document& document, const std::string& pointer,
                           std::string_view format) {
  const io::Json* value = find(document, pointer);
  if (value == nullptr || value->is_null()) return "<span class=\"none\">–</span>";
  if (value->is_number()) return bound(document, pointer, format);
  return bound(document, pointer + "/value", format) + " <span class=\"interval\">[" +
         bound(document, pointer + "/low", format) + ", " +
         bound(document, pointer + "/high", format) + "]</span>";
}

bool has(const Document& document, const std::string& pointer) {
  const io::Json* value = find(document, pointer);
  return value != nullptr && !value->is_null();
}

double number(const Document& document, const std::string& pointer) {
  const io::Json* value = find(document, pointer);
  if (value != nullptr && value->is_object() && value->contains("value"))
    value = &value->at("value");
  return value != nullptr && value->is_number() ? value->get<double>() : NAN;
}

}  // namespace otoscope::serve
