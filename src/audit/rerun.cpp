#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/audit/verify.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::OrderedJson;

constexpr double kSameAgain = 1e-9;

bool is_estimate(const OrderedJson& json) {
  return json.is_object() && json.contains("value") && json.contains("low") &&
         json.contains("high") && json.contains("method");
}

void compare(const OrderedJson& before, const OrderedJson& after, const std::string& at,
             std::vector<Finding>& out) {
  if (is_estimate(before)) {
    if (!before["value"].is_number() || !before["low"].is_number() || !before["high"].is_number())
      return;  // no interval to hold it against
    const bool there = is_estimate(after) && after["value"].is_number();
    const double value = there ? after["value"].get<double>() : std::nan("");
    const double low = before["low"].get<double>(), high = before["high"].get<double>();
    out.push_back({at, there && value >= low - kSameAgain && value <= high + kSameAgain,
                   there ? OrderedJson(value).dump() + " against [" + before["low"].dump() + ", " +
                               before["high"].dump() + "]"
                         : "is not there any more"});
    return;
  }
  if (before.is_object())
    for (const auto& [key, value] : before.items())
      compare(value, after.is_object() && after.contains(key) ? after[key] : OrderedJson(),
              at + "/" + key, out);
  if (before.is_array())
    for (size_t i = 0; i < before.size(); ++i)
      compare(before[i], after.is_array() && i < after.size() ? after[i] : OrderedJson(),
              at + "/" + std::to_string(i), out);
}

}  // namespace

std::vector<Finding> compare_rerun(const OrderedJson& before, const OrderedJson& after) {
  std::vector<Finding> out;
  const std::string was = before.at("verdict").at("wording").get<std::string>(),
                    is = after.at("verdict").at("wording").get<std::string>();
  out.push_back({"verdict", was == is, was == is ? was : was + ", now " + is});
  for (const char* section : {"rate", "groups", "search", "predictive", "causal", "circuit"})
    if (before.contains(section))
      compare(before.at(section), after.contains(section) ? after.at(section) : OrderedJson(),
              std::string("/") + section, out);
  return out;
}

}  // namespace otoscope::audit
