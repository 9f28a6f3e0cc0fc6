#pragma once
/// What may be said (methods.md §8.6). Each line needs all lines before it; what failed is named.
/// Awareness, intent and deception are not conclusions that this method can reach.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "otoscope/contexts/tests.h"

namespace otoscope::contexts {

/// What was found; what was not looked for stays empty and counts as not passed.
struct Evidence {
  Classified features;
  int64_t n0 = 0, n1 = 0;
  std::optional<Classified> nuisances;  // of nuisances alone
  std::optional<Estimate> increment;    // AUROC(features + nuisances) - AUROC(nuisances)
  std::optional<SourceOut> sources;
  std::optional<Classified> matched;      // features, after matching on nuisances
  std::string unmatched;                  // why there is none
  std::optional<Classified> shuffled;     // features of the model with shuffled weights
  std::optional<Estimate> over_shuffled;  // AUROC(features) - AUROC(of the shuffled model)
  std::optional<Estimate> behaviour;      // paired difference of an error rate at matched content
  std::string behaviour_of;               // "word error rate", "share with text"
  std::optional<Estimate> mediated;       // what steering along the direction moved of it …
  std::optional<double> mediated_controls_p;  // … and how often matched controls moved as much
};

enum class Level : uint8_t {
  none,
  differ,
  beyond_nuisances,
  learned,
  behaviour,
  mediated,
  unclear
};

struct Verdict {
  Level level = Level::unclear;
  std::string sentence;
  std::vector<std::string> because;  // what each further step lacked or passed, one sentence each
  /// Three questions, never merged: a model can be told to differ and do nothing else, or fail
  /// without being told to differ. Each has its own answer, whatever the others are.
  std::string detectability, behaviour, controllability;
};

/// p <= .05 and an interval above .5 separate; an interval that holds .5 with p > .05 is "no
/// separation above AUROC x detected (n, power)", x what would have been found in 80 % of
/// repetitions; anything between is no verdict.
Verdict verdict_of(const Evidence& evidence);

/// "AUROC .93 [.90, .96]"; digits without the leading zero.
std::string auroc_text(const Estimate& estimate);

}  // namespace otoscope::contexts
