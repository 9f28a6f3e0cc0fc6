#include "otoscope/audit/gate.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "support/errors.h"

namespace otoscope::audit {
namespace {

const nlohmann::json& record() {
  static const auto json = nlohmann::json::parse(R"({
    "verdict": {"status": "partial"},
    "rate": {"clips": {"k": 3, "n": 40, "errors": 0, "sufficient": true,
                       "estimate": {"value": 0.075, "low": 0.02, "high": null}}}})");
  return json;
}
std::string refusal(const std::string& text) {
  return testing::error_of([&] { holds(text, record()); });
}

}  // namespace

TEST_CASE("conditions hold where they should") {
  CHECK(holds("rate.low > 0.01", record()));
  CHECK_FALSE(holds("rate.low > 0.05", record()));
  CHECK(holds("rate.k == 3 and not rate.n<40", record()));
  CHECK(holds("rate.k > 5 or (rate.value >= .075 and verdict.status == 'partial')", record()));
  CHECK(holds("rate.clips.sufficient == true", record()));
  CHECK(holds("1 < 2 or 2 < 1 and 2 < 1", record()));  // and binds closer
  CHECK(holds("-1e-3 < 0", record()));
}

TEST_CASE("what cannot be told, or read, is refused in one line") {
  const auto says = [](const std::string& text, const char* what) {
    CHECK_MESSAGE(refusal(text).find(what) != std::string::npos, text, ": ", refusal(text));
  };
  says("rate.high > 0.5", "could not be measured");
  says("rate.lo > 0.5", "a name of the record");
  says("1 < 2 or rate.lo > 0", "a name of the record");  // even where the rest decides
  says("rate > 0", "more than one");
  says("verdict.status > 1", "one kind");
  says("'\xff' > 1", "one kind");  // no UTF-8
  says("verdict.status < 'x'", "expected numbers");
  says("", "got the end");
  says("rate.low", "expected < <=");
  says("rate.low >", "got the end");
  says("rate.low > 0 0", "an end");
  says("(rate.low > 0", "expected )");
  says("'open == 1", "closing");
  says("nan > 0", "a name");
  says("1e999 > 0", "a number");
  says(std::string(500, '(') + "1<2", "32 levels");
  says(std::string(2000, ' '), "1000 bytes");
  std::string nots;
  for (int i = 0; i < 100; ++i) nots += "not ";
  says(nots + "1<2", "32 levels");
}

}  // namespace otoscope::audit
