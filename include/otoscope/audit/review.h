#pragma once
/// Is the predicate right? People judge flagged and unflagged cases; the record carries what they
/// said, or that no one has.

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/audit/mode.h"
#include "otoscope/audit/rate.h"

namespace otoscope::audit {

/// A case to be judged: a line of NAME.cases.jsonl.
struct ReviewItem {
  std::string id, audio, text, reference;
  double offset = 0, seconds = 0;
  bool flagged = false;
};

/// At most `each` of the flagged and of the unflagged, by seed, mixed, so that the order says
/// nothing. Cases that could not be judged are left out. Broken lines: UserError "[where:LINE] …".
std::vector<ReviewItem> choose_items(std::string_view cases, std::string_view where, int each,
                                     uint64_t seed);

/// What one asked says: it fails, it does not, they cannot tell; nothing: stop here.
enum class Said : uint8_t { fails, passes, unsure };
using Ask = std::function<std::optional<Said>(const ReviewItem& item, size_t number, size_t of)>;

/// {"schema": "otoscope.audit-review", "version": 1, "mode", "predicate_sha256", "cases_sha256",
/// "judge", "answers": [{"id", "flagged", "says"}]}. Answers of `before` (a review broken off) are
/// kept and not asked again; UserError where they are of other cases or by another judge.
nlohmann::ordered_json review(const std::vector<ReviewItem>& items, const std::string& mode,
                              const std::string& predicate_sha256, const std::string& cases_sha256,
                              const std::string& judge, const std::optional<nlohmann::json>& before,
                              const Ask& ask);

/// Precision: of the flagged, how many people call failures. Recall: from the shares of both kinds,
/// weighted by how many were flagged and not; its ends from both Wilson intervals at once, so it is
/// wide. UserError for a review of another predicate, or a broken one.
nlohmann::ordered_json precision_json(const nlohmann::json& review, const FailureMode& mode,
                                      const Rate& rate);

}  // namespace otoscope::audit
