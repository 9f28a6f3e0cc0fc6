#pragma once
/// The mechanism is looked for on train and dev: sets of features that foretell the failure, and
/// sets that hold up what it hangs on. The one whose weaker column is best on dev is the one set
/// that is tried on test.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "audit/causal.h"
#include "audit/circuit.h"
#include "audit/predictive.h"

namespace otoscope::audit {

struct Candidate {
  FeatureSet set;         // its detector is fitted on train
  std::string from;       // "foretells it", "holds up what is asked"
  Estimate fall;          // of dev's rate when it is taken to zero
  double dose = 0;        // of that edit
  double share = 0;       // fall over the rate before
  double emptied = 0;     // share of clips of speech of dev that lose their text
  bool foretells = true;  // an AUROC on dev could be measured
  /// The weaker of 2 AUROC - 1 and `share`, less `emptied`.
  double score() const;
};

struct Search {
  std::vector<Candidate> tried;
  size_t chosen = 0;  // of `tried`
  /// What the candidates wrote on dev, in the order of `tried`, for other labels of the same
  /// outputs.
  std::vector<std::vector<steer::Heard>> heard;
  std::vector<int64_t> rows;  // dev's windows
  nlohmann::ordered_json json;
  bool measured() const { return !tried.empty(); }
  const FeatureSet& set() const { return tried[chosen].set; }
};

struct SearchOptions {
  size_t most_features = 8;
  CircuitOptions circuit;  // clips, steps and reference of the attribution
  CausalOptions causal;
};

/// saes: places in `lab.saes` that the choice is made among come first; sets of `others` (other
/// seeds of these sites) are tried too, and never chosen. speech: clips of dev that should keep
/// their text.
Search search_mechanism(const Gathered& gathered, const FailureMode& mode, const Laboratory& lab,
                        const Predictive& parts, std::span<const size_t> saes,
                        std::span<const size_t> others, std::span<const steer::SoundWindow> speech,
                        const SearchOptions& options);

/// The best of some candidates (places in a list): the largest score; where none is over zero, the
/// first that foretells, else the largest fall.
size_t best_of(const std::vector<Candidate>& tried, std::span<const size_t> among);

}  // namespace otoscope::audit
