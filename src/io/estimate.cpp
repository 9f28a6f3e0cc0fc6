#include "otoscope/io/estimate.h"

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

}  // namespace otoscope::io
