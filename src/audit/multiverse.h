#pragma once
/// The same question asked with other choices (methods.md §7.5): in what share of them does the
/// verdict hold?

#include <nlohmann/json.hpp>

#include "audit/causal.h"
#include "audit/predictive.h"
#include "otoscope/audit/wording.h"

namespace otoscope::audit {

/// Axes: clips of train (all, clusters resampled), label source (text as decoded, after Whisper's
/// own filter), size of the set (as dev chooses, one feature), ablation (to zero, to the mean),
/// measure (AUROC, correlation at the threshold of dev, at the prevalence of dev): 48. A choice
/// whose question cannot be answered supports nothing. The controls are those of the primary
/// analysis, judged by each label source.
nlohmann::ordered_json multiverse(const Gathered& gathered, const FailureMode& mode,
                                  const Predictive& primary, const Causal& causal, Wording verdict,
                                  const Laboratory& lab, const CausalOptions& options,
                                  const PredictiveOptions& predicting);

}  // namespace otoscope::audit
