#pragma once
/// What every step of a suppress run is given.

#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/steer/listen.h"
#include "otoscope/steer/suppress.h"

namespace otoscope::steer {

constexpr int kSuppressBatch = 16;  // windows decoded together

/// Borrows inputs, options and progress.
struct Setting {
  const SuppressInputs& in;
  const SuppressOptions& options;
  std::filesystem::path out;
  Progress& progress;
  HearOptions hear;
  std::vector<SiteSae> saes;

  std::filesystem::path cache() const { return out / "cache"; }
  /// What the heard of an edit depends on beside the windows and the edit: model, language, SAEs.
  std::string identity() const;
};

/// UserError where an SAE is of another model, or not of a site of the encoder.
Setting setting_of(const SuppressInputs& inputs, const SuppressOptions& options,
                   std::filesystem::path out, Progress& progress);

}  // namespace otoscope::steer
