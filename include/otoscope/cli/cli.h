#pragma once
/// The command line: parses, calls the library, prints. No logic.

namespace otoscope::cli {

/// Exit status: 0 done, 1 the input's fault, 2 wrong usage, 3 a condition that was asked for does
/// not hold, 130 interrupted.
int run(int argc, char** argv);

}  // namespace otoscope::cli
