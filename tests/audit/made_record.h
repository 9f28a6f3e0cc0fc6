#pragma once
/// A whole audit record with few numbers, for what reads records.

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"

namespace otoscope::audit::testing {

using Json = nlohmann::ordered_json;

inline Json estimate(double value, double low, double high) {
  return io::to_json(Estimate{value, low, high, 100, 50, "made"});
}

inline Json rate(int64_t k, int64_t n) {
  Json json{{"k", k}, {"n", n}, {"errors", 1}, {"clusters", 50}};
  const Estimate w = wilson(k, n);
  json["estimate"] = json["wilson"] = json["errors_as_failures"] = io::to_json(w);
  json["sufficient"] = n >= 30;
  if (n < 30) {
    json["why_not"] = std::to_string(n) + " cases, fewer than 30";
    json["estimate"]["low"] = json["estimate"]["high"] = nullptr;
  }
  return json;
}

inline Json not_measured(const char* why) { return {{"measured", false}, {"why", why}}; }

inline Json circuit() {
  const Json e = estimate(.5, .4, .6);
  return {{"measured", true},
          {"kind", "attribution over a data set: not an exact graph"},
          {"metric", "text less end"},
          {"reference", "means"},
          {"site", "encoder.out"},
          {"sae_sha256", std::string(64, 'b')},
          {"found_on", {{"part", "dev"}, {"clips", 12}, {"clusters", 9}}},
          {"checked_on", {{"part", "test"}, {"clips", 12}, {"clusters", 10}}},
          {"members", {3, 7}},
          {"chosen_by", "size"},
          {"curve", Json::array({{{"features", 1}, {"faithfulness", .4}}})},
          {"top", Json::array({{{"index", 7},
                                {"effect", estimate(-2, -3, -1)},
                                {"magnitude", estimate(2, 1, 3)},
                                {"activation", .1},
                                {"clips", 11},
                                {"same_sign", 1.0}},
                               {{"index", 9},
                                {"effect", estimate(-1, -2, 0)},
                                {"magnitude", estimate(1, 0, 2)},
                                {"activation", .1},
                                {"clips", 5},
                                {"same_sign", .8}}})},
          {"sum_of_effects", {{"predicted", -3.0}, {"measured", -2.5}}},
          {"error_effect", .1},
          {"whole", e},
          {"none", e},
          {"effect", e},
          {"faithfulness", e},
          {"completeness", e},
          {"random", {{"draws", 20}, {"faithfulness", e}, {"beaten", 1.0}}},
          {"stability",
           {{"features", 2},
            {"overlap", e},
            {"of_a_fifth_fewer", 1.0},
            {"in_a_fifth_more", 1.0},
            {"by_chance", .01}}},
          {"tests", Json::array({{{"name", "it does"}, {"passed", true}, {"says", "yes"}}})}};
}

inline Json search() {
  const Json arm = {{"name", "to zero"},
                    {"strength", 1},
                    {"dose", .1},
                    {"rate", estimate(.5, .4, .6)},
                    {"difference", estimate(.1, 0, .2)}};
  return {{"measured", true},
          {"part", "train proposes, dev chooses"},
          {"windows", 20},
          {"speech", 8},
          {"chosen_by", "the share that falls"},
          {"chosen", 0},
          {"tried", Json::array({{{"site", "encoder.out"},
                                  {"sae_sha256", std::string(64, 'b')},
                                  {"features", {7}},
                                  {"from", "holds up <b>it</b>"},
                                  {"choosable", true},
                                  {"auroc", .7},
                                  {"arm", arm},
                                  {"speech_emptied", 0.0},
                                  {"score", .1}}})},
          {"sites", Json::array({{{"site", "encoder.out"},
                                  {"sae_sha256", std::string(64, 'b')},
                                  {"metric", "text less end"},
                                  {"clips", 12},
                                  {"whole", 6.0},
                                  {"without_features", 5.0},
                                  {"without_error", 5.5},
                                  {"all_features", arm},
                                  {"speech_emptied", 0.0}}})}};
}

/// k of n clips fail; text that came from a clip is hostile to Markdown and HTML.
inline Json record(int64_t k, int64_t n, const std::string& data_hash = std::string(64, 'd')) {
  Json json{{"schema", "otoscope.audit"}, {"version", 2}, {"claim_id", "m/odd/x"}};
  json["text"] = "m exhibits \"odd\" | <b>at</b> a rate";
  json["verdict"] = {
      {"status", "inconclusive"},
      {"wording", "no verdict"},
      {"why", "no mechanism was measured"},
      {"tests", Json::array({{{"name", "a test"}, {"passed", false}, {"says", "0.4"}}})}};
  json["failure_mode"] = {{"id", "odd"},
                          {"title", "odd numbers"},
                          {"predicate", Json::object()},
                          {"predicate_sha256", std::string(64, 'a')},
                          {"severities", {"S2"}},
                          {"precision", not_measured("no one has judged")}};
  json["population"] = {{"datasets", Json::array({{{"id", "clips"},
                                                   {"sha256", data_hash},
                                                   {"role", "population"},
                                                   {"licences", Json::array()},
                                                   {"audio_sha256", std::string(64, 'e')}}})},
                        {"split", "test"},
                        {"n_items", n},
                        {"n_clusters", 50},
                        {"cluster_unit", "source"},
                        {"n_speakers", 0},
                        {"hours", .1},
                        {"words", 0},
                        {"filters", Json::array()},
                        {"excluded", Json::array()}};
  json["decoding"] = {{"temperature", 0},   {"beam", 0},      {"fallback", false},
                      {"timestamps", true}, {"prompt", ""},   {"language", "en"},
                      {"suppress", "-"},    {"padding", "-"}, {"max_tokens", 0},
                      {"precision", "f32"}};
  json["rate"] = {{"clips", rate(k, n)},
                  {"per_severity", Json::array({{{"severity", "S2"}, {"rate", rate(k, n)}}})},
                  {"errors", Json::array({{{"why", "it ended"}, {"n", 1}}})},
                  {"frequent_texts",
                   Json::array({{{"text", "you | <script>"}, {"windows", 3}, {"sources", 2}}})}};
  json["groups"] = Json::array(
      {{{"by", "kind"}, {"cells", Json::array({{{"value", "rain"}, {"rate", rate(k, n)}}})}}});
  json["features"] = Json::array({{{"site", "encoder.out"},
                                   {"sae_sha256", std::string(64, 'b')},
                                   {"index", 7},
                                   {"role", "moves it"}}});
  json["search"] = search();
  json["circuit"] = circuit();
  json["predictive"] = not_measured("too few");
  json["causal"] = not_measured("no set");
  json["contexts"] = not_measured("not compared");
  json["multiplicity"] = Json::array();
  json["multiverse"] = not_measured("nothing to vary");
  json["not_tested"] = {"other decoding"};
  json["limits"] = {"what the predicate says"};
  json["reproducibility"] = Json::array();
  const auto file = [](const char* name) {
    return Json{{"name", name}, {"sha256", std::string(64, 'f')}, {"bytes", 10}};
  };
  json["provenance"] = {{"tool", "otoscope"},
                        {"code", {{"version", "0.1.0"}, {"program_sha256", nullptr}}},
                        {"model",
                         {{"name", "m"},
                          {"hash", std::string(64, 'c')},
                          {"files", Json::array({file("model/model.bin")})}}},
                        {"saes", Json::array({{{"site", "encoder.out"},
                                               {"hash", std::string(64, 'b')},
                                               {"files", Json::array({file("sae-0/cfg.json")})}}})},
                        {"data", Json::array({file("data/manifest.jsonl")})},
                        {"mode", file("mode.json")},
                        {"build", {{"compiler", "c"}, {"flags", "f"}, {"blas", "b"}}},
                        {"machine",
                         {{"cpu", "x"},
                          {"cores", 2},
                          {"isa", "scalar"},
                          {"accelerator", "none"},
                          {"memory_bytes", 1}}},
                        {"threads", 2},
                        {"seeds", {{"all", 0}}},
                        {"command", Json::object()},
                        {"started", "2026-01-01T00:00:00Z"},
                        {"wall_s", 1.5},
                        {"parents", Json::array()}};
  return json;
}

}  // namespace otoscope::audit::testing
