#include "otoscope/audit/report.h"

namespace otoscope::audit {

const char* const kSurfacesNote =
    "Our own reading of which sections of such reports each field could feed. It claims no "
    "conformity with any of them, and none of them asked for this record.";

const std::vector<Surface>& surfaces() {
  static const std::vector<Surface> all{
      {"text, failure_mode", "the claim, and the predicate that decides it, by hash",
       "model card: known limitations; system card: failure modes that were tested"},
      {"rate, groups", "how often, with intervals, by severity and by group of people",
       "model card: evaluation results, factors; system card: evaluations; frontier-framework and "
       "federal evaluation reports: measurement with its uncertainty"},
      {"population, decoding", "what was measured on, what was left out, and how the model was run",
       "model card: evaluation data; evaluation reports: test conditions, scope"},
      {"search, predictive, causal, circuit",
       "whether features foretell the failure, and whether taking them away changes its rate, "
       "beside controls",
       "system card: interpretability evidence; frontier-framework reports: evidence on mechanism "
       "and mitigation"},
      {"contexts", "whether the test can be told from deployment",
       "evaluation reports: representativeness of the test"},
      {"failure_mode.precision", "whether people agree with the predicate",
       "evaluation reports: validity of the measure"},
      {"multiverse, multiplicity, limits, not_tested",
       "in how many other analyses the verdict holds, and what is not said",
       "model card: caveats; evaluation reports: robustness, limitations"},
      {"provenance, envelope", "hashes, options, machine, seeds and a signature",
       "evaluation reports: reproducibility package; supply-chain attestation (in-toto, SLSA)"}};
  return all;
}

}  // namespace otoscope::audit
