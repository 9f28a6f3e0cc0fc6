#pragma once
/// One failure mode over several audits: versions of a model, or of the data.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace otoscope::audit {

struct Audited {
  std::string name;    // of the file
  std::string record;  // JSON
  std::string cases;   // JSON lines; empty where they are not at hand
};

/// {"schema": "otoscope.audit-history", "version": 1, "mode", "predicate_sha256", "first", "last",
/// "versions": [...]}: of each version its rate and wording, and the differences of its rate to the
/// version before and to the first one (later less earlier), each with `method`:
///   the same clips (at least 30 that both could judge, in 10 clusters): paired, clusters resampled
///   other clips, cases at hand: the clusters of both sides resampled
///   no cases: from the ends of the two stored intervals (Newcombe's square and add)
/// `last` is the last version again, for gates: 'last.difference.low > 0'. UserError for fewer than
/// two records, other predicates, records without a rate, and cases that do not add up to it.
nlohmann::ordered_json history(std::span<const Audited> audits, uint64_t seed,
                               int replicates = 2000);

}  // namespace otoscope::audit
