#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "otoscope/audit/report.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::Json;
using io::OrderedJson;

constexpr const char* kSarifSchema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

std::string rule_id(const Json& record) {
  std::string id = "OTO-" + record.at("failure_mode").at("id").get<std::string>();
  std::transform(id.begin(), id.end(), id.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return id;
}

std::string kind_of(const Json& clips) {
  if (!clips.at("sufficient").get<bool>()) return "open";
  return clips.at("k").get<double>() > 0 ? "fail" : "informational";
}

/// SARIF asks for "none" wherever the kind is not "fail".
std::string level_of(const Json& record, const std::string& kind) {
  if (kind != "fail") return "none";
  std::string level = "note";
  for (const Json& one : record.at("rate").at("per_severity")) {
    if (one.at("rate").at("k").get<double>() == 0) continue;
    const std::string severity = one.at("severity").get<std::string>();
    if (severity == "S1") level = "warning";
    if (severity == "S2" || severity == "S3") level = "error";
  }
  return level;
}

OrderedJson artifacts_of(const Json& from) {
  OrderedJson list = OrderedJson::array();
  const auto add = [&](const Json& files) {
    for (const Json& file : files)
      list.push_back({{"location", {{"uri", file.at("name")}}},
                      {"length", file.at("bytes")},
                      {"hashes", {{"sha-256", file.at("sha256")}}}});
  };
  add(from.at("model").at("files"));
  for (const Json& sae : from.at("saes")) add(sae.at("files"));
  add(from.at("data"));
  return list;
}

std::string feature_name(const Json& site, const Json& index) {
  return site.get<std::string>() + "/sae/" + index.dump();
}

/// Features to the number that they move: what attribution says, and no edge more.
OrderedJson graph_of(const Json& circuit) {
  OrderedJson nodes = OrderedJson::array(), edges = OrderedJson::array();
  nodes.push_back({{"id", "asked"}, {"label", {{"text", circuit.at("metric")}}}});
  for (const Json& one : circuit.at("top")) {
    const Json& members = circuit.at("members");
    if (std::find(members.begin(), members.end(), one.at("index")) == members.end()) continue;
    const std::string id = feature_name(circuit.at("site"), one.at("index"));
    nodes.push_back({{"id", id}, {"label", {{"text", id}}}});
    edges.push_back({{"id", id + " to asked"},
                     {"sourceNodeId", id},
                     {"targetNodeId", "asked"},
                     {"properties", {{"effect", one.at("effect")}}}});
  }
  return {{"description", {{"text", circuit.at("kind")}}}, {"nodes", nodes}, {"edges", edges}};
}

OrderedJson locations_of(const Json& record) {
  OrderedJson logical = OrderedJson::array();
  for (const Json& feature : record.at("features"))
    logical.push_back(
        {{"fullyQualifiedName", feature_name(feature.at("site"), feature.at("index"))},
         {"kind", "feature"}});
  // The weights: the largest of the model's files.
  const Json& files = record.at("provenance").at("model").at("files");
  const auto largest =
      std::max_element(files.begin(), files.end(), [](const Json& a, const Json& b) {
        return a.at("bytes").get<double>() < b.at("bytes").get<double>();
      });
  OrderedJson location{
      {"physicalLocation",
       {{"artifactLocation",
         {{"uri", largest == files.end() ? Json("model") : largest->at("name")}}}}}};
  if (!logical.empty()) location["logicalLocations"] = logical;
  return OrderedJson::array({location});
}

}  // namespace

OrderedJson sarif(const Json& record) {
  const Json& clips = record.at("rate").at("clips");
  const Json& from = record.at("provenance");
  const std::string rule = rule_id(record), kind = kind_of(clips);
  const Json& rate = clips.at("estimate");
  OrderedJson result{{"ruleId", rule},
                     {"ruleIndex", 0},
                     {"kind", kind},
                     {"level", level_of(record, kind)},
                     {"message", {{"text", record.at("text")}}},
                     {"locations", locations_of(record)}};
  if (rate.at("value").is_number()) result["rank"] = 100 * rate.at("value").get<double>();
  result["partialFingerprints"] = {{"otoscope/v1", record.at("claim_id")}};
  if (record.at("circuit").at("measured").get<bool>())
    result["graphs"] = OrderedJson::array({graph_of(record.at("circuit"))});
  result["properties"] = {{"rate", rate},
                          {"k", clips.at("k")},
                          {"n", clips.at("n")},
                          {"errors", clips.at("errors")},
                          {"clusters", clips.at("clusters")},
                          {"verdict", record.at("verdict")},
                          {"notTested", record.at("not_tested")}};
  OrderedJson driver{
      {"name", "otoscope"},
      {"version", from.at("code").at("version")},
      {"rules",
       OrderedJson::array(
           {{{"id", rule},
             {"shortDescription", {{"text", record.at("failure_mode").at("title")}}},
             {"properties",
              {{"predicateSha256", record.at("failure_mode").at("predicate_sha256")}}}}})}};
  OrderedJson run{{"tool", {{"driver", driver}}},
                  {"artifacts", artifacts_of(from)},
                  {"results", OrderedJson::array({result})}};
  return {{"$schema", kSarifSchema}, {"version", "2.1.0"}, {"runs", OrderedJson::array({run})}};
}

}  // namespace otoscope::audit
