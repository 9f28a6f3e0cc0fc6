#include "io/traces.h"

#include "otoscope/core/text.h"
#include "otoscope/io/file.h"

namespace otoscope::io {

int64_t size_so_far(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<int64_t>(size);
}

std::string last_line(const std::filesystem::path& path, int64_t limit, size_t most) {
  std::string last;
  for (const std::string& line : split(read_file(path, limit), '\n'))
    if (!trimmed(line).empty()) last = trimmed(line);
  return last.substr(0, most);
}

}  // namespace otoscope::io
