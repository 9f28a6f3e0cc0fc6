#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace otoscope::store {

/// One line of a manifest that we write.
struct ClipLine {
  std::string path;  // relative to the manifest
  double offset_s = 0.0, duration_s = 0.0;
  std::optional<std::string> text;  // absent = unknown, "" = no speech
  std::string id, language, speaker, gender, prompt_id, source, kind, licence,
      split;  // "" = by the rule of whoever reads it
  bool speech = true;
};

/// Sorted by id, byte for byte the same for the same clips; whole or absent.
void write_manifest(const std::filesystem::path& path, std::vector<ClipLine> clips);

}  // namespace otoscope::store
