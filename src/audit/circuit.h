#pragma once
/// The circuit of a failure: which features of one site move what the failure hangs on, by
/// attribution over a data set (methods.md §6.6), chosen on dev and checked on test. An
/// attribution, never an exact graph.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "audit/arms.h"
#include "audit/checks.h"
#include "otoscope/audit/gathered.h"
#include "otoscope/audit/mode.h"
#include "otoscope/circuits/attribution.h"

namespace otoscope::audit {

struct CircuitOptions {
  int clips = 16;  // failing clips of dev that it is found on, and of test that check it
  int steps = 5;   // of the integral
  int draws = 20;  // random sets beside it
  uint64_t seed = 0;
  bool to_mean = false;  // features are set to their mean over the clips it is found on, else to 0
};

struct Circuit {
  std::string why_not;
  size_t sae = 0;
  std::vector<int32_t> features;  // ascending
  std::vector<Check> checks;
  nlohmann::ordered_json json;
  bool measured() const { return why_not.empty(); }
};

/// What is asked of one forward, by what the mode's predicates look at; none: nothing of one
/// forward stands for it (loops, programs).
///   text: log-sum-exp of the text tokens' logits less that of the end, after the first timestamp
///   against the reference: mean log p of the reference's tokens, teacher-forced
///   wrong language: log-sum-exp of the other languages' logits less that of the clip's own
enum class Asked { nothing, text, reference, language };
Asked asked_by(const FailureMode& mode);

/// At the site of saes[sae].
Circuit find_circuit(const Gathered& gathered, const FailureMode& mode, const Laboratory& lab,
                     size_t sae, const CircuitOptions& options);

}  // namespace otoscope::audit
