#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"

namespace otoscope::store {

/// Downloads Debian packages (`apt-get download`, works for any user) and unpacks them
/// (`dpkg-deb -x`) into FOLDER/NAME. Nothing is installed and no script of a package is run. What
/// is there from an earlier call is kept. `bytes`: about what all of them weigh, for the progress.
/// UserError: no apt-get, unknown package, broken archive.
void unpack_debian(const std::vector<std::string>& packages, const std::filesystem::path& folder,
                   int64_t bytes, Progress& progress);

}  // namespace otoscope::store
