#pragma once
/// The files that a record stands on, by hash, and where they are now.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace otoscope::audit {

struct NamedFile {
  std::string name;  // in the record: "model/model.bin"
  std::filesystem::path path;
  std::string sha256;
  int64_t bytes = 0;
};
nlohmann::ordered_json to_json(const NamedFile& file);

/// Every regular file of a folder (not of folders in it), by name, hashed; `prefix` goes before
/// each name. Hidden files and locks are left out.
std::vector<NamedFile> hash_folder(const std::filesystem::path& folder, const std::string& prefix);
NamedFile hash_file(const std::filesystem::path& path, const std::string& name);
/// SHA-256 over "NAME SHA256\n" of the files in order of name.
std::string hash_of(std::vector<NamedFile> files);

}  // namespace otoscope::audit
