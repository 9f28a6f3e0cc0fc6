#pragma once
/// Runs another program, without a shell. Its input is empty or a file; ctrl-C ends it (and its
/// children).

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::io {

struct ProcessOptions {
  std::filesystem::path input_from{};     // its standard input; empty = nothing to read
  std::filesystem::path output_to{};      // its standard output; empty = thrown away
  std::filesystem::path errors_to{};      // its standard error; empty = thrown away
  std::filesystem::path folder{};         // where it runs; empty = here
  double timeout_s = 0;                   // 0 = as long as it takes; after it, status 124
  std::function<void()> while_running{};  // called every 100 ms or so, for progress; may throw
};

/// Exit status; 128 + the signal where one ended it. A program that cannot be started: UserError.
/// Interrupted is thrown after ctrl-C, when the program is gone.
int run_process(const std::vector<std::string>& command, const ProcessOptions& options = {});

/// The same, but a status other than 0 is a UserError with the last line of its errors (they are
/// kept aside for that where errors_to is empty).
void run_process_checked(const std::vector<std::string>& command, ProcessOptions options = {});

/// Where PATH finds a program, or an empty path.
std::filesystem::path find_program(std::string_view name);

}  // namespace otoscope::io
