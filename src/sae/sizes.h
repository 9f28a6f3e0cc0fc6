#pragma once
/// Bounds on what a file of weights may claim of itself.

#include <string>

#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

namespace otoscope::sae {

inline constexpr int64_t kMaxSide = int64_t{1} << 26;  // of d and F; larger is a damaged file

/// UserError with `where` unless the value lies in [1, kMaxSide].
inline int64_t size_at(const io::Json& object, const char* key, const std::string& where) {
  const int64_t value = io::integer_at(object, key, where);
  if (value < 1 || value > kMaxSide)
    throw UserError(
        where, std::string("expected ") + key + " in [1, 67108864], got " + std::to_string(value));
  return value;
}

}  // namespace otoscope::sae
