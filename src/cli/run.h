#pragma once
/// Running a verb from within another one: the demo is a list of command lines.

#include <string>
#include <vector>

#include "cli/verb.h"

namespace otoscope::cli {

/// words[0] is the verb. Common options are the caller's; errors are thrown, not printed. Returns
/// the verb's exit status.
int run_words(const std::vector<std::string>& words, const Context& caller);

}  // namespace otoscope::cli
