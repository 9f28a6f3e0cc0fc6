#pragma once
#include <string>
#include <vector>

namespace otoscope::cli {

/// For verbs with verbs of their own (`models get NAME`): says on standard error what was expected
/// and returns exit status 2.
int wrong_usage(const std::string& verb, const std::string& expected,
                const std::vector<std::string>& got);

}  // namespace otoscope::cli
