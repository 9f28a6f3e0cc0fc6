#pragma once
/// Binds one value after another, so that the order of columns is written once.

#include <cmath>
#include <optional>
#include <string>

#include "otoscope/core/statistics/estimate.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::features {

class Binder {
 public:
  explicit Binder(io::Statement& statement) : statement_(statement) {}
  template <class Value>
  Binder& add(const Value& value) {
    statement_.bind(++position_, value);
    return *this;
  }
  Binder& add(const std::optional<double>& value) {
    if (value)
      statement_.bind(++position_, *value);
    else
      statement_.bind_null(++position_);
    return *this;
  }
  Binder& add(const std::optional<Estimate>& estimate) {
    add(estimate ? std::optional(estimate->value) : std::nullopt);
    add(estimate ? std::optional(estimate->low) : std::nullopt);
    return add(estimate ? std::optional(estimate->high) : std::nullopt);
  }
  /// Empty text is NULL.
  Binder& add_name(const std::string& text) {
    if (text.empty())
      statement_.bind_null(++position_);
    else
      statement_.bind(++position_, text);
    return *this;
  }
  void run() {
    while (statement_.step()) {
    }
  }

 private:
  io::Statement& statement_;
  int position_ = 0;
};

}  // namespace otoscope::features
