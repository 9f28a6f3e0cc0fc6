#pragma once
/// `eval` of a crosscoder or a cross-layer transcoder.

#include <string>
#include <vector>

#include "cli/verb.h"
#include "otoscope/eval/evaluate.h"

namespace otoscope::cli {

struct JointEvalInput {
  std::string folder;
  std::vector<std::string> activations, targets;
  std::string control;  // another crosscoder's folder, and its sites
  std::vector<std::string> control_activations;
};

/// Writes joint-eval.json into the folder and prints its tables.
void eval_joint(const JointEvalInput& input, const eval::EvalOptions& options,
                const Context& context);

}  // namespace otoscope::cli
