#pragma once
/// Words of the command line -> options and positional arguments.

#include <string>
#include <vector>

#include "cli/verb.h"

namespace otoscope::cli {

/// Sets options in place and returns the positional arguments. Takes `--name value`,
/// `--name=value`, flags, and `--` (all that follows is positional). UserError for unknown names
/// and bad values.
std::vector<std::string> parse_arguments(const std::vector<std::string>& words,
                                         const std::vector<OptionRef>& options);

}  // namespace otoscope::cli
