#pragma once
/// The same question asked with other choices (methods.md §7.5): in what share of them does the
/// verdict hold?

#include <nlohmann/json.hpp>

#include "audit/causal.h"
#include "audit/predictive.h"
#include "audit/search.h"
#include "otoscope/audit/wording.h"

namespace otoscope::audit {

/// Axes: the SAE (one value a seed), clips of train (all, clusters resampled), label source (text
/// as decoded, after Whisper's own filter), what the set is chosen by (both columns, what foretells
/// alone), ablation (to zero, to the mean), measure (AUROC, correlation at the threshold of dev, at
/// the prevalence of dev): 48 a seed. A choice whose question cannot be answered supports nothing.
/// The sets among which both columns choose, and the controls, are those of the primary analysis,
/// judged by each label source. seeds: places in `lab.saes`, the primary ones first.
nlohmann::ordered_json multiverse(const Gathered& gathered, const FailureMode& mode,
                                  const Predictive& primary, const Search& search,
                                  const Causal& causal, Wording verdict, const Laboratory& lab,
                                  std::span<const std::vector<size_t>> seeds,
                                  const CausalOptions& options,
                                  const PredictiveOptions& predicting);

}  // namespace otoscope::audit
