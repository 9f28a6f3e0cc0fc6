#pragma once
/// NAME.cases.jsonl, what an audit judged: a case a line. Records and cases may come from anybody.

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "otoscope/audit/judge.h"

namespace otoscope::audit {

/// "passes", "fails", "error": as files write answers.
std::string_view answer_name(Judgement::Answer answer);

/// One case as it was written; where: for errors about its other fields.
using VisitCase = std::function<void(const nlohmann::json& one, Judgement::Answer answer,
                                     const std::string& where)>;
/// Every line that is not blank. `where`: what the number of a line follows, "x.cases.jsonl:".
/// UserError "[where NUMBER] …" for what is no JSON or has another answer: it is no pass.
void for_each_case(std::string_view text, std::string_view where, const VisitCase& visit);

}  // namespace otoscope::audit
