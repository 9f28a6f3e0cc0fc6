#pragma once
/// The schema of features.sqlite (docs/features.md) and its writer.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "otoscope/features/evidence.h"
#include "otoscope/features/meaning.h"
#include "otoscope/features/shift.h"

namespace otoscope::features {

inline constexpr int kSchemaVersion = 2;
inline constexpr int kTraceFrames = 60;  // activations kept on each side of an example's peak

/// Activations around an example: `values` are 0..255 of the feature's maximum, from `first_frame`
/// of the item on.
struct Trace {
  int32_t first_frame = 0;
  std::string values;
};

/// All that a database holds.
struct Description {
  const sae::Sae& sae;
  const store::Store& store;
  const Evidence& evidence;
  /// (F) each: share of rows on which it fires; by language: share of its firings in that language.
  std::vector<Estimate> rate;
  std::vector<std::vector<Estimate>> language_share;    // [l]: (F)
  const ShiftResult* shift = nullptr;                   // none: not measured
  std::map<std::pair<int64_t, int64_t>, Trace> traces;  // by (feature, row)
  std::map<std::string, std::string> meta;
  const LabelledRows* labelled = nullptr;  // none: no labels were given
  const Meaning* meaning = nullptr;
};

void write_features(const std::filesystem::path& path, const Description& description);

/// The value of a meta key in a database, or "" when the file or the key is not there.
std::string read_meta(const std::filesystem::path& path, const std::string& key);

}  // namespace otoscope::features
