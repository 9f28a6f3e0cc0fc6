#include "otoscope/io/estimate.h"

#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace otoscope::io {

nlohmann::ordered_json to_json(const Estimate& estimate) {
  const auto number = [](double x) {
    return std::isfinite(x) ? nlohmann::ordered_json(x) : nlohmann::ordered_json(nullptr);
  };
  return {{"value", number(estimate.value)}, {"low", number(estimate.low)},
          {"high", number(estimate.high)},   {"n", estimate.n},
          {"clusters", estimate.clusters},   {"method", estimate.method}};
}

std::string with_interval(const nlohmann::ordered_json& estimate, int digits) {
  const auto number = [&](const char* key) {
    const nlohmann::ordered_json& value = estimate.at(key);
    return value.is_number() ? fmt::format("{:.{}f}", value.get<double>(), digits)
                             : std::string("-");
  };
  if (!estimate.at("low").is_number()) return number("value");
  return fmt::format("{} [{}, {}]", number("value"), number("low"), number("high"));
}

}  // namespace otoscope::io
