#pragma once
/// A number with its uncertainty.

#include <cstdint>
#include <string>

namespace otoscope {

/// Written everywhere as {"value","low","high","n","clusters","method"} (io/estimate.h). low and
/// high are the ends of a 95 % interval; NaN where none can be given (one cluster), null in JSON.
struct Estimate {
  double value = 0, low = 0, high = 0;
  int64_t n = 0, clusters = 0;
  std::string method;
};

}  // namespace otoscope
