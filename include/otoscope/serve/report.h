#pragma once
/// The report of a run: one HTML file that opens without a network, with every number bound to the
/// JSON that it comes from (docs/report.md).

#include <cstdint>
#include <filesystem>
#include <string>

#include "otoscope/core/progress.h"

namespace otoscope::serve {

struct ReportOptions {
  int examples = 6;    // shown per feature
  int features = 26;   // shown per described SAE, about
  std::string labels;  // a labels.jsonl whose words stand at their times under the peaks
  std::string model;   // times the words of other clips; empty: texts without marks
  uint64_t seed = 0;
};

struct ReportSummary {
  std::filesystem::path path;
  int64_t bytes = 0, numbers = 0, saes = 0, features = 0, examples = 0;
};

/// Reads RUN/sae/*/ (cfg.json, eval.json, training.jsonl, features.sqlite) and RUN/run.json where
/// there is one, and the labels that are named; writes RUN/report.json (the facts of the features
/// shown) and RUN/report.html. A run without SAEs: UserError. A number that does not equal its
/// source is an error of ours and stops the writing.
ReportSummary write_report(const std::filesystem::path& run, const ReportOptions& options,
                           Progress& progress);

}  // namespace otoscope::serve
