#pragma once
/// A condition on a record, for gates: rate.low > 0.05 and verdict.status == 'supported'.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace otoscope::audit {

/// Comparisons (< <= > >= == !=) of numbers, 'texts' and names, joined by and, or, not, ( ). A name
/// is a path into the record by dots; rate.value, rate.low, rate.high, rate.k, rate.n and
/// rate.errors are those of its clips. At most 1,000 bytes and 32 levels. Broken expressions, names
/// that are not there, values that are null or of another kind: UserError("--fail-if", …): what
/// cannot be told is no pass.
bool holds(std::string_view expression, const nlohmann::json& record);

}  // namespace otoscope::audit
