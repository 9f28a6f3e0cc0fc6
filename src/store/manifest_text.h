#pragma once
/// The reader behind read_manifest(), for fuzzing.

#include <filesystem>
#include <string_view>

#include "otoscope/store/manifest.h"

namespace otoscope::store {

/// The text of the manifest at `path`, which gives messages their name and clips their folder.
Manifest parse_manifest(std::string_view text, const std::filesystem::path& path);

}  // namespace otoscope::store
