#include "otoscope/audit/schema.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "audit/made_record.h"
#include "otoscope/io/json.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::audit {

using io::Json;

TEST_CASE("documents fit a schema where jsonschema says so") {
  const Json golden = io::read_json(otoscope::testing::golden("audit") / "schema.json");
  const Schema schema(golden.at("schema"), "golden");
  int64_t right = 0;
  for (const Json& one : golden.at("cases")) {
    const bool valid = schema.problems(one.at("document")).empty();
    CHECK_MESSAGE(valid == one.at("valid").get<bool>(), one.at("document").dump());
    ++right;
  }
  CHECK(right > 50);
}

TEST_CASE("problems say where and what, and end") {
  const Schema schema(Json::parse(R"({"type": "object", "additionalProperties": {"type": "array",
                                      "items": {"type": "integer"}}})"),
                      "s");
  const auto problems = schema.problems(Json::parse(R"({"a": [1, "x"]})"));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == "/a/1: expected integer, got string");
  Json many = Json::object();
  for (int i = 0; i < 1000; ++i) many["k" + std::to_string(i)] = "x";
  CHECK(schema.problems(many).size() == 20);
}

TEST_CASE("a schema that would be checked in part, or never end, is refused") {
  const auto refused = [](const char* text) {
    return otoscope::testing::error_of([&] { Schema(Json::parse(text), "s"); });
  };
  CHECK(refused(R"({"oneOf": []})").find("a keyword that is checked, got oneOf") !=
        std::string::npos);
  CHECK(refused(R"({"properties": {"a": {"formats": 1}}})").find("/properties/a") !=
        std::string::npos);
  CHECK(refused(R"({"$ref": "#/$defs/no"})").find("one of $defs") != std::string::npos);
  CHECK(refused(R"({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}})").find("circle") !=
        std::string::npos);
  CHECK(refused(R"({"pattern": "(a+)+$"})").find("known patterns") != std::string::npos);
  CHECK(refused(R"({"minimum": "1"})").find("a number") != std::string::npos);
}

TEST_CASE("the schema of records is a schema, and refuses what is no record") {
  for (int version = 1; version <= kRecordVersion; ++version) {
    CHECK(record_schema(version).problems(Json::object()).size() >= 15);
    const Json text = Json::parse(record_schema_text(version));
    CHECK(text.at("properties").at("version").at("const") == version);
  }
}

TEST_CASE("records of the first version are still read, and not taken for the second") {
  Json record(testing::record(20, 40));
  CHECK(record_problems(record).empty());
  record["version"] = 1;
  REQUIRE(record_problems(record).size() == 1);  // it has what came later
  record.erase("search");
  CHECK(record_problems(record).empty());
  record["version"] = 2;
  CHECK(record_problems(record).size() == 1);
}

}  // namespace otoscope::audit
