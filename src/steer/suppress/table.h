#pragma once
/// The recipe and everything beside it on test windows, on one footing.

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "steer/suppress/gather.h"
#include "steer/suppress/search.h"
#include "steer/suppress/setting.h"
#include "steer/suppress/silence.h"

namespace otoscope::steer {

/// Places of the test windows in what was gathered.
struct TestPlaces {
  std::vector<int64_t> sounds, speech;
};
/// UserError where one of them is empty.
TestPlaces test_places(const Gathered& gathered);

/// What is heard of them with the recipe run in the model.
struct QuietHeard {
  std::vector<Heard> sounds, speech;
};
QuietHeard hear_quiet_on_test(const Setting& setting, const Gathered& gathered,
                              const TestPlaces& test, const Behind& behind);

/// The no-speech token and dense probes (one a site), thresholds by the same rule as the recipe's.
std::vector<Silencer> baselines(const Setting& setting, const Gathered& gathered,
                                const std::vector<Logistic>& probes);

/// One row a system: the model, its own filter, the recipe, the always-on edit, baselines and,
/// where its findings are given, the detector in front.
nlohmann::ordered_json table_json(const Setting& setting, const Gathered& gathered,
                                  const TestPlaces& test, const Search& search,
                                  const QuietHeard& quiet, const std::vector<Silencer>& baselines);

/// What the recipe has over the detector in front, and the detector over it, window by window.
nlohmann::ordered_json beyond_json(const Setting& setting, const Gathered& gathered,
                                   const TestPlaces& test, const QuietHeard& quiet);

/// Speech with test sounds under it: what each system loses of it, by ratio.
nlohmann::ordered_json mixed_json(const Setting& setting, const Gathered& gathered,
                                  const TestPlaces& test, const Silencer& gate,
                                  const std::vector<Silencer>& baselines);

}  // namespace otoscope::steer
