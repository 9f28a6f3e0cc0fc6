#pragma once
/// A folder that is written whole or not at all.

#include <filesystem>

namespace otoscope::io {

/// Files go into path() (TARGET.tmp-PID); commit() renames it to TARGET. Without commit nothing is
/// left. What killed processes left of the same target is removed first. UserError where something
/// is at TARGET already: an empty folder is welcome.
class AtomicFolder {
 public:
  explicit AtomicFolder(const std::filesystem::path& target);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::filesystem::path& path() const { return aside_; }
  void commit();

 private:
  std::filesystem::path target_, aside_;
};

}  // namespace otoscope::io
