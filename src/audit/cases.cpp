#include "otoscope/audit/cases.h"

#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using Answer = Judgement::Answer;

Answer answer_named(const std::string& name, const std::string& where) {
  for (const Answer answer : {Answer::passes, Answer::fails, Answer::error})
    if (name == answer_name(answer)) return answer;
  throw UserError(where, "expected fails, passes or error at answer, got " + name.substr(0, 80));
}

}  // namespace

std::string_view answer_name(Answer answer) {
  return answer == Answer::fails ? "fails" : answer == Answer::passes ? "passes" : "error";
}

void for_each_case(std::string_view text, std::string_view where, const VisitCase& visit) {
  size_t number = 0;
  for (const std::string& line : split(text, '\n')) {
    const std::string here = std::string(where) + std::to_string(++number);
    if (trimmed(line).empty()) continue;
    const io::Json json = io::parse_json(line, here);
    visit(json, answer_named(io::string_at(json, "answer", here), here), here);
  }
}

}  // namespace otoscope::audit
