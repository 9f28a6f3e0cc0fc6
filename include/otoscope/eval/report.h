#pragma once
/// Measures as JSON (docs/eval.md) and as a table.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/eval/batch_mode.h"
#include "otoscope/eval/fidelity.h"
#include "otoscope/eval/spliced.h"

namespace otoscope::eval {

nlohmann::ordered_json to_json(const Fidelity& fidelity);
nlohmann::ordered_json to_json(const BatchMode& measures);
nlohmann::ordered_json to_json(const SplicedMeasures& measures);

/// The table of an eval.json: head and one line per row, cells as text; fits 80 columns.
std::vector<std::vector<std::string>> eval_table(const nlohmann::ordered_json& eval);

}  // namespace otoscope::eval
