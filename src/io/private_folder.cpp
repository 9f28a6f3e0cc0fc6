#include "otoscope/io/private_folder.h"

#include <cstdlib>
#include <string>

#include "otoscope/core/errors.h"

namespace otoscope::io {

namespace fs = std::filesystem;

PrivateFolder::PrivateFolder(std::string_view purpose) {
  std::error_code error;
  const fs::path place = fs::temp_directory_path(error);
  if (error)
    throw UserError("TMPDIR", "expected a folder there: " + error.message(),
                    "set TMPDIR to a writable folder");
  std::string name = (place / ("otoscope-" + std::string(purpose) + "-XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr)
    throw UserError(name, "expected to make a folder here", "set TMPDIR to a writable folder");
  path_ = name;
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace otoscope::io
