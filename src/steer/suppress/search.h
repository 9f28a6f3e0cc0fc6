#pragma once
/// Everything that is chosen, on train and dev alone: the edit that is always on, and the recipe.

#include <nlohmann/json_fwd.hpp>
#include <span>

#include "otoscope/steer/attribution.h"
#include "otoscope/steer/detect.h"
#include "steer/suppress/always.h"
#include "steer/suppress/behind.h"
#include "steer/suppress/gather.h"
#include "steer/suppress/setting.h"

namespace otoscope::steer {

struct Search {
  Margins margins;  // of the model as it is
  AlwaysSearch always;
  Behind behind;
};
/// speech: detectors of the question whether nobody speaks. quick: fewer edits. Results are kept in
/// the cache.
Search search(const Setting& setting, const Gathered& gathered, const Detected& speech, bool quick);

nlohmann::ordered_json to_json(const Search& search, std::span<const SiteSae> saes);

}  // namespace otoscope::steer
