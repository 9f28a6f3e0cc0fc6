#include <fmt/core.h>

#include "io/fetch/download.h"
#include "io/traces.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/process.h"

namespace otoscope::io {
namespace fs = std::filesystem;
namespace {

// curl's exit statuses that matter here (curl(1), "EXIT CODES").
constexpr int kNoProxy = 5, kNoHost = 6, kNoConnection = 7, kHttpError = 22, kNoRange = 33;
constexpr int kBadResume = 36, kTimedOut = 28;

}  // namespace

std::string download(const std::string& url, const fs::path& part, int64_t bytes,
                     const BytesSoFar& report, bool& unreachable) {
  if (find_program("curl").empty()) return "curl is not installed";
  const fs::path errors = part.string() + ".curl";
  int status = 0;
  std::string said;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (size_so_far(part) > bytes) fs::remove(part);
    if (size_so_far(part) == bytes) return "";
    const bool resumed = size_so_far(part) > 0;
    ProcessOptions options;
    options.errors_to = errors;
    options.while_running = [&] { report(size_so_far(part)); };
    status = run_process({"curl",
                          "--fail",
                          "--location",
                          "--silent",
                          "--show-error",
                          "--proto-redir",
                          "=https",
                          "--connect-timeout",
                          "5",
                          "--speed-limit",
                          "1000",
                          "--speed-time",
                          "30",
                          "--max-filesize",
                          std::to_string(bytes),
                          "--continue-at",
                          "-",
                          "--output",
                          part.string(),
                          "--url",
                          url},
                         options);
    said = last_line(errors, int64_t{1} << 30, 200);
    fs::remove(errors);
    if (status == 0) break;
    // A server that cannot go on in the middle, or whose file has changed: once more from nothing.
    const bool start_again =
        resumed && (status == kHttpError || status == kNoRange || status == kBadResume);
    if (!start_again) break;
    fs::remove(part);
  }
  report(size_so_far(part));
  unreachable = status == kNoProxy || status == kNoHost || status == kNoConnection ||
                (status == kTimedOut && size_so_far(part) == 0);
  if (status == 0) return "";
  return said.empty() ? fmt::format("curl ended with status {}", status) : said;
}

}  // namespace otoscope::io
