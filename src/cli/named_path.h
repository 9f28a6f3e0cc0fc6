#pragma once
/// Options that give a path a name.

#include <string>
#include <utility>

namespace otoscope::cli {

/// "frozen=DIR" -> {"frozen", "DIR"}; UserError [option] for anything else.
std::pair<std::string, std::string> named_path(const std::string& option, const std::string& given);

}  // namespace otoscope::cli
