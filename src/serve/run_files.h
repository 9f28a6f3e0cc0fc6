#pragma once
/// What lies in a run's folder, as the report needs it.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "serve/bound_number.h"
#include "serve/chart.h"

namespace otoscope::serve {

struct SaeFiles {
  std::string name;  // path under RUN/sae: "encoder.out/batchtopk-4096-k32"
  std::filesystem::path folder;
  Document cfg;
  std::optional<Document> eval;        // eval.json
  std::optional<Document> categories;  // categories.json
  std::map<std::string, Series>
      training;            // of training.jsonl: "fvu", "l0", "dead" against the step
  bool described = false;  // features.sqlite is there
  std::string site, architecture;
  /// Under sae/controls: trained to be compared with, not to be believed.
  bool control() const { return name.rfind("controls/", 0) == 0; }
  std::string title() const;  // "BatchTopK, 4096 features, encoder.out"
};

struct RunFiles {
  std::filesystem::path folder;
  std::vector<SaeFiles> saes;
  /// Of findings/*.json, audit/*.json and */suppress.json, by their schema ("otoscope.steer"), in
  /// order of name.
  std::map<std::string, std::vector<Document>> findings;
};

/// UserError if there is no SAE in it.
RunFiles read_run(const std::filesystem::path& folder);

}  // namespace otoscope::serve
