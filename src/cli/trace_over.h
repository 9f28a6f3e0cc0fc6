#pragma once
/// `trace --over`: the circuit of a metric over a corpus, with SAEs of streams.

#include <filesystem>
#include <string>
#include <vector>

#include "cli/verb.h"
#include "otoscope/circuits/dataset.h"

namespace otoscope::cli {

struct OverOptions {
  std::string over;
  std::vector<std::string> sae;
  circuits::DatasetOptions dataset;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("over", o.over,
      "instead of AUDIO: a corpus; what moves a metric on many of its clips, by attribution");
    v("sae", o.sae, "with --over: SAEs of streams; several of one site are other seeds of it");
    circuits::DatasetOptions::visit(o.dataset, v);
  }
};

/// Writes `out` (JSON) and prints its tables.
void trace_over(const std::string& model, const OverOptions& options,
                const std::filesystem::path& out, const Context& context);

}  // namespace otoscope::cli
