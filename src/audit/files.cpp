#include "otoscope/audit/files.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/hash.h"

namespace otoscope::audit {

namespace fs = std::filesystem;

nlohmann::ordered_json to_json(const NamedFile& file) {
  return {{"name", file.name}, {"sha256", file.sha256}, {"bytes", file.bytes}};
}

NamedFile hash_file(const fs::path& path, const std::string& name) {
  throw_if_interrupted();
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) throw UserError(path.string(), "cannot be read: " + error.message());
  return {name, path, io::sha256_file(path), static_cast<int64_t>(bytes)};
}

std::vector<NamedFile> hash_folder(const fs::path& folder, const std::string& prefix) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file() && entry.path().filename().string()[0] != '.')
      paths.push_back(entry.path());
  if (error) throw UserError(folder.string(), "cannot be listed: " + error.message());
  std::sort(paths.begin(), paths.end());
  std::vector<NamedFile> files;
  files.reserve(paths.size());
  for (const fs::path& path : paths)
    files.push_back(hash_file(path, prefix + path.filename().string()));
  return files;
}

std::string hash_of(std::vector<NamedFile> files) {
  std::sort(files.begin(), files.end(),
            [](const NamedFile& a, const NamedFile& b) { return a.name < b.name; });
  io::Sha256 hash;
  for (const NamedFile& file : files) hash.update(file.name + " " + file.sha256 + "\n");
  return hash.hex();
}

}  // namespace otoscope::audit
