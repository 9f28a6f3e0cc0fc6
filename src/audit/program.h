#pragma once
/// A program of the user's that judges one result.

#include <filesystem>
#include <string>

#include "otoscope/audit/case.h"
#include "otoscope/audit/mode.h"

namespace otoscope::audit {

struct ProgramAnswer {
  bool fails = false;
  std::string error;  // it could not be told: why
};

/// The case as JSON on its standard input; {"fails": true or false} on its standard output, exit
/// status 0, within the timeout. Anything else is an error, never an answer.
ProgramAnswer run_judge(const Predicate& predicate, const std::filesystem::path& folder,
                        const Case& one);

}  // namespace otoscope::audit
