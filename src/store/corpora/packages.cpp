#include "store/corpora/packages.h"

#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/file.h"
#include "otoscope/io/process.h"

namespace otoscope::store {
namespace fs = std::filesystem;
namespace {

fs::path archive_of(const std::string& package, const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(package + "_") && name.ends_with(".deb")) return entry.path();
  }
  return {};
}

int64_t bytes_in(const fs::path& folder) {
  int64_t sum = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (std::error_code gone; entry.is_regular_file(gone))
      sum += static_cast<int64_t>(entry.file_size(gone));
  return sum;
}

/// All in one call, because each call reads the package lists anew. apt goes on with partial
/// archives and checks whole ones against its lists.
void download(const std::vector<std::string>& packages, const fs::path& folder, int64_t bytes,
              Progress& progress) {
  progress.start("downloading packages", bytes, "bytes");
  io::ProcessOptions options;
  options.folder = folder;
  options.while_running = [&] { progress.advance(std::min(bytes, bytes_in(folder))); };
  std::vector<std::string> command = {"apt-get", "--quiet", "download"};
  command.insert(command.end(), packages.begin(), packages.end());
  try {
    io::run_process_checked(command, options);
  } catch (const UserError& error) {
    throw UserError("apt-get download", error.problem(),
                    "run `apt-get update` as root (`./dev setup` does), then try again");
  }
  progress.advance(bytes);
  progress.finish();
  for (const std::string& package : packages)
    if (archive_of(package, folder).empty())
      throw UserError("apt-get download", "expected an archive of " + package + ", got none",
                      "run `apt-get update` as root (`./dev setup` does), then try again");
}

void unpack(const std::string& package, const fs::path& archive, const fs::path& target) {
  // Aside first, so that a folder of the final name is always whole.
  const fs::path aside = target.string() + ".tmp";
  fs::remove_all(aside);
  try {
    io::run_process_checked({"dpkg-deb", "-x", archive.string(), aside.string()});
  } catch (const UserError& error) {
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    fs::remove(archive, ignored);  // a broken archive would be found again
    throw UserError(package, "the archive cannot be unpacked: " + error.problem(),
                    "try again: it will be downloaded anew");
  }
  fs::rename(aside, target);
}

}  // namespace

void unpack_debian(const std::vector<std::string>& packages, const fs::path& folder, int64_t bytes,
                   Progress& progress) {
  io::make_folder(folder);
  std::vector<std::string> missing;
  for (const std::string& package : packages)
    if (!fs::is_directory(folder / package)) missing.push_back(package);
  if (missing.empty()) return;
  for (const char* program : {"apt-get", "dpkg-deb"})
    if (io::find_program(program).empty())
      throw UserError(program, "expected a Debian system, got one without this program",
                      "fetch the corpus on Debian or Ubuntu and copy its folder");
  download(missing, folder, bytes, progress);
  progress.start("unpacking packages", static_cast<int64_t>(missing.size()), "packages");
  int64_t done = 0;
  for (const std::string& package : missing) {
    throw_if_interrupted();
    const fs::path archive = archive_of(package, folder);
    unpack(package, archive, folder / package);
    fs::remove(archive);
    progress.advance(++done, package);
  }
  progress.finish();
}

}  // namespace otoscope::store
