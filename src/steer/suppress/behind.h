#pragma once
/// The recipe "quiet" as a run finds it: the condition that dev prefers, and the smallest edit
/// behind it that silences.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "otoscope/steer/attribution.h"
#include "steer/suppress/quiet.h"
#include "steer/suppress/setting.h"
#include "steer/suppress/silence.h"

namespace otoscope::steer {

struct Behind {
  FoundDetector deciding;
  Silencer gate;  // of `deciding`, with its threshold
  TriedEdits tried;
  /// The chosen edit along random directions: windows that still have text, one a draw.
  std::vector<int64_t> random;

  const QuietEdit& edit() const { return tried.edits[tried.chosen]; }
  Condition condition(std::span<const SiteSae> saes) const;
};

/// detectors: of the question whether nobody speaks, all sizes. speech: windows of train and dev
/// from which the push towards the end is taken.
Behind choose_behind(const Setting& setting, const Gathered& gathered,
                     const std::vector<FoundDetector>& detectors,
                     std::span<const Attribution> attributions, std::vector<SoundWindow> speech);

/// OUT/recipes/quiet.json, SAEs by their place relative to it.
std::filesystem::path quiet_path(const Setting& setting);
void write_quiet(const Setting& setting, const Behind& behind);

/// Puts "condition", "behind_condition" and "random_behind_condition" into `json`.
void add_json(const Behind& behind, std::span<const SiteSae> saes, nlohmann::ordered_json& json);

}  // namespace otoscope::steer
