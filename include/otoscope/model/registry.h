#pragma once
/// Checkpoints that can be fetched by name: for each file one SHA-256 and the places that publish
/// those bytes, the hub first, then packages.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/io/fetch.h"

namespace otoscope::model {

struct KnownModel {
  std::string name;     // "whisper-base"
  std::string summary;  // one line for `models list`
  std::string licence;
  std::vector<io::WantedFile> files;
  int64_t bytes() const;
};

const std::vector<KnownModel>& known_models();
/// UserError with the nearest names.
const KnownModel& known_model(std::string_view name);

/// $OTOSCOPE_HOME/models/NAME
std::filesystem::path model_folder(const KnownModel& model);
bool is_fetched(const KnownModel& model);
/// Fetches and verifies; instant where that was done before. Returns the folder. Errors: see
/// io::fetch_files.
std::filesystem::path get_model(const KnownModel& model, Progress& progress = silent_progress());

/// What a user means by MODEL: a folder as it is, or the folder of a known checkpoint that was
/// fetched. UserError that says how to fetch it.
std::filesystem::path resolve_model(const std::string& name_or_folder);

}  // namespace otoscope::model
