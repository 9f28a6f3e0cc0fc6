#pragma once
/// What a program that runs beside us has left in its files so far.

#include <cstdint>
#include <filesystem>
#include <string>

namespace otoscope::io {

/// 0 where there is no file yet.
int64_t size_so_far(const std::filesystem::path& path);

/// The last line with something in it, trimmed and cut to `most` bytes: what programs say before
/// they give up. UserError for files beyond `limit` bytes.
std::string last_line(const std::filesystem::path& path, int64_t limit, size_t most);

}  // namespace otoscope::io
