#pragma once
/// Is it the same circuit on both sides? Features of a site by their attribution to a metric
/// (circuits/attribution.h) in each context, and how many are in both lists, beside what halves of
/// one context have in common. An attribution, never an exact graph.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/circuits/attribution.h"
#include "otoscope/contexts/sets.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/model/tokenizer.h"

namespace otoscope::contexts {

struct OverlapOptions {
  int size = 32;    // features in a list
  int draws = 200;  // of halves
  uint64_t seed = 0;
};

/// Jaccard of lists of `size` features by |mean effect| over a random half of a context's clusters.
/// All are of half the clips, so that they can be compared; low and high: 2.5 and 97.5 % of draws.
struct CircuitOverlap {
  int size = 0;
  std::array<int64_t, 2> clips = {0, 0}, clusters = {0, 0};
  std::array<Estimate, 2> within;  // the halves of one context
  Estimate across;                 // a half of the first and a half of the second
  Estimate lost;                   // mean of within minus across, in the same draws
  double chance = 0;               // random lists among features that fire
  double whole = 0;                // all clips of the first against all of the second
  double correlation = 0;          // of mean effects, over features that have one on either side
};

/// The first site of each; both of the same SAE. UserError for fewer than 4 clusters on a side.
CircuitOverlap circuit_overlap(const circuits::Attribution& first,
                               const circuits::Attribution& second,
                               const OverlapOptions& options = {});

/// What was compared, and each side's list of the whole: (feature, mean effect) by size.
struct SideCircuits {
  std::string site, metric;
  CircuitOverlap overlap;
  std::array<std::vector<circuits::FeatureEffect>, 2> top;
};
/// Attribution at the SAE's site over the first `clips` speech clips of each context that have text
/// (metric: its log probability, forced), or, where there is no speech, over sounds (metric: any
/// text against the end). Features are set to their mean over both contexts. Integrated gradients,
/// 4 steps.
SideCircuits circuits_of(const model::Whisper& model, const model::Tokenizer& tokenizer,
                         const Items& items, const sae::Sae& sae, int clips,
                         const OverlapOptions& options = {},
                         Progress& progress = silent_progress());

}  // namespace otoscope::contexts
