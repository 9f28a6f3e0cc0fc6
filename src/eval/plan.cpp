#include <nlohmann/json.hpp>

#include "otoscope/eval/evaluate.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"

namespace otoscope::eval {

std::vector<std::string> evaluation_plan(const std::vector<EvalJob>& jobs,
                                         const std::optional<store::Manifest>& manifest,
                                         const EvalOptions& options) {
  constexpr int kVersion = 2;  // of the measures: other digits, other number
  std::vector<std::string> plans;
  for (const EvalJob& job : jobs) {
    EvalOptions copy = options;
    nlohmann::ordered_json plan{{"version", kVersion},
                                {"name", job.name},
                                {"sae", job.sae->hash},
                                {"store", job.store->hash()},
                                {"target", job.target ? job.target->hash() : ""},
                                {"decode", job.decode},
                                {"data", manifest ? manifest->sha256 : ""},
                                {"seed", options.seed},
                                {"options", io::options_to_json(options_of(copy))}};
    for (const TrainedControl& control : job.controls)
      plan["controls"].push_back({control.name, control.sae->hash,
                                  control.store ? control.store->hash() : "", control.splice});
    for (const AlsoStore& also : job.also)
      plan["also"].push_back(
          {also.name, also.store->hash(), also.target ? also.target->hash() : ""});
    plans.push_back(io::sha256(plan.dump()));
  }
  return plans;
}

}  // namespace otoscope::eval
