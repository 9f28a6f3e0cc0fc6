#pragma once
/// Findings as JSON (docs/contexts.md).

#include "otoscope/contexts/behaviour.h"
#include "otoscope/contexts/columns.h"
#include "otoscope/contexts/direction.h"
#include "otoscope/contexts/explained.h"
#include "otoscope/contexts/overlap.h"
#include "otoscope/contexts/tests.h"
#include "otoscope/contexts/verdict.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::contexts {

io::OrderedJson to_json(const Classified& test);
io::OrderedJson to_json(const Discrepancy& mmd);
io::OrderedJson to_json(const SourceOut& sources);
io::OrderedJson to_json(const ColumnDifference& column);
io::OrderedJson to_json(const Explained& explained);
io::OrderedJson to_json(const Behaviour& behaviour);
io::OrderedJson to_json(const SameIntervention& intervention);
io::OrderedJson to_json(const SideCircuits& circuits);
io::OrderedJson to_json(const Directed& directed);
io::OrderedJson to_json(const Verdict& verdict);

}  // namespace otoscope::contexts
