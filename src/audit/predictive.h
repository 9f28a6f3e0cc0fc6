#pragma once
/// The first column: do features foretell the failure on clips that nothing was chosen on?

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "audit/checks.h"
#include "audit/feature_set.h"
#include "otoscope/audit/gathered.h"

namespace otoscope::audit {

/// Fewer of a class in a part are not enough to choose on, or to report.
inline constexpr int64_t kLeastOfClass = 10;

struct PredictiveOptions {
  size_t most_features = 8;
  size_t random_sets = 20;
  uint64_t seed = 0;
  int replicates = 1000;
};

struct Predictive {
  std::string why_not;  // why it could not be measured; else empty
  Labelled parts[3];    // train, dev, test
  FeatureSet set;
  double best = 0, at_prevalence = 0;      // thresholds on the set's score, from dev
  std::vector<std::vector<int32_t>> like;  // sets like it, for both columns
  std::vector<Check> checks;
  nlohmann::ordered_json json;

  bool measured() const { return why_not.empty(); }
  bool passed() const { return measured() && all_passed(checks); }
};

/// The cases of a part whose answer is known, labelled by `fails` (one a window).
Labelled labelled(const Gathered& gathered, steer::Part part, std::span<const uint8_t> fails);
/// Why these parts are too few; empty where they are not.
std::string too_few(const Labelled (&parts)[3]);

/// The parts, and whether they are enough; nothing is chosen yet.
Predictive parts_of(const Gathered& gathered);
/// The rest, for a set that was chosen on train and dev. parts: of parts_of(), measured.
Predictive predict(Predictive parts, const FeatureSet& set, const Gathered& gathered,
                   std::span<const steer::SiteSae> saes, const PredictiveOptions& options,
                   Progress& progress);

/// What anybody can see of a clip from outside; whatever foretells must beat it.
struct Nuisance {
  std::string name;  // "length of the clip"
  std::vector<double> dev, test;
};
/// Of length, level and SNR the one that does best on dev, pointing the way that train says.
Nuisance best_nuisance(const Gathered& gathered, const Labelled (&parts)[3]);

}  // namespace otoscope::audit
