#include "otoscope/audit/report.h"

#include <doctest/doctest.h>

#include <functional>
#include <set>

#include "audit/made_record.h"
#include "otoscope/audit/schema.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {

TEST_CASE("the made record is one: what these tests read is what audits write") {
  CHECK(record_schema().problems(io::Json(testing::record(20, 40))).empty());
  CHECK(record_schema().problems(io::Json(testing::record(2, 10))).empty());
}

TEST_CASE("SARIF has what version 2.1.0 asks for") {
  const io::OrderedJson log = sarif(io::Json(testing::record(20, 40)));
  CHECK(log.at("version") == "2.1.0");
  CHECK(log.at("$schema").get<std::string>().find("sarif-schema-2.1.0.json") != std::string::npos);
  REQUIRE(log.at("runs").size() == 1);
  const auto& run = log["runs"][0];
  CHECK(run.at("tool").at("driver").at("name") == "otoscope");
  const auto& rules = run["tool"]["driver"].at("rules");
  REQUIRE(run.at("results").size() == 1);
  const auto& result = run["results"][0];
  CHECK_FALSE(result.at("message").at("text").get<std::string>().empty());
  CHECK(rules.at(result.at("ruleIndex").get<size_t>()).at("id") == result.at("ruleId"));
  CHECK(result.at("kind") == "fail");
  CHECK(result.at("level") == "error");  // S2
  CHECK(result.at("rank") == doctest::Approx(50));
  for (const auto& artifact : run.at("artifacts")) {
    CHECK(artifact.at("location").contains("uri"));
    CHECK(artifact.at("hashes").at("sha-256").get<std::string>().size() == 64);
  }
  CHECK(result.at("locations").at(0).at("logicalLocations").at(0).at("fullyQualifiedName") ==
        "encoder.out/sae/7");
}

TEST_CASE("a circuit in SARIF is a graph whose edges have ends, of its members alone") {
  const io::OrderedJson log = sarif(io::Json(testing::record(20, 40)));
  const auto& graph = log["runs"][0]["results"][0].at("graphs").at(0);
  std::set<std::string> nodes;
  for (const auto& node : graph.at("nodes"))
    CHECK(nodes.insert(node.at("id").get<std::string>()).second);
  CHECK(nodes.size() == 2);  // feature 9 is shown in the table and is no member
  std::set<std::string> edges;
  for (const auto& edge : graph.at("edges")) {
    CHECK(edges.insert(edge.at("id").get<std::string>()).second);
    CHECK(nodes.count(edge.at("sourceNodeId").get<std::string>()) == 1);
    CHECK(nodes.count(edge.at("targetNodeId").get<std::string>()) == 1);
  }
  CHECK(edges.size() == 1);
}

TEST_CASE("no case seen is not a pass, too few cases are open") {
  const auto result = [](int64_t k, int64_t n) {
    return sarif(io::Json(testing::record(k, n)))["runs"][0]["results"][0];
  };
  CHECK(result(0, 40).at("kind") == "informational");
  CHECK(result(0, 40).at("level") == "none");
  CHECK(result(5, 10).at("kind") == "open");
  CHECK(result(5, 10).at("level") == "none");
}

TEST_CASE("Markdown holds the claim, the counts and the gaps, and foreign text is no markup") {
  const std::string text = markdown(io::Json(testing::record(20, 40)));
  for (const char* part :
       {"**failed** a test: 0.4", "| all | 20 | 40 |", "What was not tested", "other decoding",
        "claims no conformity", "model/model.bin", "could not be judged", "no one has judged"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part);
  CHECK(text.find("<script>") == std::string::npos);
  CHECK(text.find("<b>") == std::string::npos);
  CHECK(text.find("you \\| ") != std::string::npos);
}

TEST_CASE("no text of a record is markup, whatever the schema leaves free") {
  io::Json record(testing::record(20, 40));
  record["multiverse"] = {
      {"measured", true},       {"axes", io::Json::array()}, {"n_specs", 2},
      {"share_supporting", .5}, {"verdict_of_primary", "x"}, {"specs", io::Json::array()}};
  int changed = 0;
  const std::function<void(io::Json&)> make_hostile = [&](io::Json& at) {
    if (at.is_structured())
      for (io::Json& one : at) make_hostile(one);
    if (!at.is_string()) return;
    const std::string before = at.get<std::string>();
    at = "<b>x</b>";
    if (record_problems(record).empty())
      ++changed;
    else
      at = before;  // an enumeration, or a hash
  };
  make_hostile(record);
  CHECK(changed > 40);
  CHECK(markdown(record).find("<b>") == std::string::npos);
}

TEST_CASE("every surface names a field that the record has") {
  const io::Json record(testing::record(20, 40));
  for (const Surface& one : surfaces()) {
    const std::string first = one.field.substr(0, one.field.find_first_of(",."));
    CHECK_MESSAGE(record.contains(first), one.field);
  }
}

}  // namespace otoscope::audit
