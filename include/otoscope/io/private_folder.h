#pragma once
/// A folder for what other programs read and write, that only this user can look into; it goes with
/// the object.

#include <filesystem>
#include <string_view>

namespace otoscope::io {

class PrivateFolder {
 public:
  /// In the folder for temporary files; `purpose` is part of its name. UserError where none can be
  /// made.
  explicit PrivateFolder(std::string_view purpose);
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace otoscope::io
