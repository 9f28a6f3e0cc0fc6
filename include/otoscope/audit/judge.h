#pragma once
/// Does a case fail? Yes, no, or it cannot be told: an error is never a pass.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "otoscope/audit/case.h"
#include "otoscope/audit/mode.h"
#include "otoscope/core/progress.h"

namespace otoscope::audit {

struct Judgement {
  enum class Answer : uint8_t { passes, fails, error };
  Answer answer = Answer::passes;
  Severity severity = Severity::s0;  // where it fails
  std::string why;                   // of an error
};

struct JudgeOptions {
  /// Programs of a mode are run only where the user said so: a mode may come from anybody.
  bool allow_programs = false;
  /// Instead of each predicate's own filter.
  std::optional<Filter> filter;
};

/// UserError for a mode that runs programs where that is not allowed.
Judgement judge(const FailureMode& mode, const Case& one, const JudgeOptions& options = {});
std::vector<Judgement> judge_all(const FailureMode& mode, std::span<const Case> cases,
                                 const JudgeOptions& options = {},
                                 Progress& progress = silent_progress());

/// The longest run of words of the reference that are missing, in the alignment with the fewest
/// errors (of equal ones, that with the latest deletions).
int64_t longest_deletion(std::string_view reference, std::string_view text);
/// How often the most repeated stretch of up to `longest` words is said in a row.
int64_t repeats(std::string_view text, int64_t longest);

}  // namespace otoscope::audit
