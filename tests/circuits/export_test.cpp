#include "otoscope/circuits/export.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "circuits/nano_circuit.h"
#include "otoscope/circuits/group.h"
#include "otoscope/circuits/listen.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::circuits;
using namespace otoscope::testing;
using Json = nlohmann::json;

namespace {

Graph nano_graph() {
  NanoTrace traced;
  Graph graph = std::move(traced.graph);
  name_tokens(graph, traced.clip.tokens.view().span(), nano_tokenizer());
  graph.model = "whisper nano/<odd> name";
  graph.audio = "a.wav";
  graph.target_text = "'</script><b>' & more";
  return graph;
}

const Graph& graph() {
  static const Graph graph = nano_graph();
  return graph;
}

ExportInfo info() {
  ExportInfo info;
  info.slug = "a b/c";
  info.scan = graph().model;
  info.prompt = "\"x\"";
  return info;
}

Json exported() { return Json::parse(neuronpedia_json(graph(), info()).dump()); }

std::string fault(const std::function<void(Json&)>& change) {
  Json json = exported();
  change(json);
  return error_of([&] { check_neuronpedia(json, "g.json"); });
}

int node_of(const Json& json, const char* type) {
  for (size_t i = 0; i < json["nodes"].size(); ++i)
    if (json["nodes"][i]["feature_type"] == type) return static_cast<int>(i);
  return -1;
}

}  // namespace

TEST_CASE("the graph as Neuronpedia's JSON is what its schema and its viewer ask for") {
  const Json json = exported();
  CHECK_NOTHROW(check_neuronpedia(json, "g.json"));
  CHECK(json["metadata"]["slug"] == "a-b-c");
  CHECK(json["metadata"]["scan"] == "whisper-nano-odd-name");
  for (const char* type :
       {"cross layer transcoder", "mlp reconstruction error", "embedding", "logit"})
    CHECK(node_of(json, type) >= 0);
  CHECK(static_cast<int64_t>(json["nodes"].size()) == graph().pruned.nodes());
  CHECK(static_cast<int64_t>(json["links"].size()) == graph().pruned.edges());
  // Errors of layer L and features L of layer 0 have ids of their own.
  std::set<std::string> ids;
  for (const Json& node : json["nodes"]) {
    CHECK(ids.insert(node["node_id"]).second);
    const std::string id = node["node_id"];
    CHECK(std::count(id.begin(), id.end(), '_') == 2);
  }
  // `feature` is the pairing of layer and index, and can be taken apart again.
  const Json& feature = json["nodes"][static_cast<size_t>(node_of(json, "cross layer transcoder"))];
  CHECK(feature["feature"] == pair_number(std::stoll(feature["layer"].get<std::string>()),
                                          feature["otoscope"]["feature"].get<int64_t>()));
  CHECK(pair_number(12, 16383) == 134422593);
}

TEST_CASE("every fault that a viewer would stumble over is named") {
  CHECK(fault([](Json& j) { j.erase("metadata"); }).find("metadata") != std::string::npos);
  CHECK(fault([](Json& j) { j["metadata"]["slug"] = "a b"; }).find("slug") != std::string::npos);
  CHECK(fault([](Json& j) {
          j["metadata"]["prompt_tokens"] = Json::array();
        }).find("prompt_tokens") != std::string::npos);
  CHECK(fault([](Json& j) { j["qParams"] = 1; }).find("qParams") != std::string::npos);
  CHECK(fault([](Json& j) { j["nodes"][0].erase("clerp"); }).find("nodes[0]") != std::string::npos);
  CHECK(fault([](Json& j) { j["nodes"][0]["feature"] = "x"; }).find("feature") !=
        std::string::npos);
  CHECK(fault([](Json& j) { j["nodes"][0]["ctx_idx"] = 1 << 20; }).find("ctx_idx") !=
        std::string::npos);
  CHECK(fault([](Json& j) {
          j["nodes"][1]["node_id"] = j["nodes"][0]["node_id"];
        }).find("expected ids that occur once") != std::string::npos);
  CHECK(fault([](Json& j) {
          j["nodes"][static_cast<size_t>(node_of(j, "mlp reconstruction error"))]["jsNodeId"] =
              j["nodes"][static_cast<size_t>(node_of(j, "cross layer transcoder"))]["jsNodeId"];
        }).find("jsNodeIds of one kind") != std::string::npos);
  CHECK(fault([](Json& j) {
          j["nodes"][static_cast<size_t>(node_of(j, "logit"))]["clerp"] = "Output";
        }).find("(p=") != std::string::npos);
  CHECK(fault([](Json& j) { j["links"][0]["source"] = "9_9_9"; }).find("9_9_9") !=
        std::string::npos);
  CHECK(fault([](Json& j) { j["links"][0]["weight"] = nullptr; }).find("weight") !=
        std::string::npos);
  CHECK(fault([](Json& j) { j["nodes"][0]["influence"] = "much"; }).find("influence") !=
        std::string::npos);
  CHECK(fault([](Json& j) { j["metadata"]["node_threshold"] = "0.8"; }).find("node_threshold") !=
        std::string::npos);
  CHECK(fault([](Json& j) { j["nodes"] = "none"; }).find("lists") != std::string::npos);
  CHECK(error_of([] { check_neuronpedia(Json(3), "g.json"); }).starts_with("[g.json]"));
}

TEST_CASE("the page holds its data as data: text of the input ends no script") {
  const NanoClip clip = nano_clip();
  const std::string page = graph_page(graph(), info(), clip.mel.view().sub(0), 10);
  CHECK(page.find("</script><b>") == std::string::npos);
  CHECK(page.find("<title>&#39;&lt;/script&gt;&lt;b&gt;&#39; &amp; more</title>") !=
        std::string::npos);
  const std::string start = "id=\"data\">";
  const size_t begin = page.find(start) + start.size();
  const Json data = Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  CHECK(data["shown_features"] == 10);
  CHECK(data["frames"] == 40);
  for (const Json& edge : data["edges"]) {
    CHECK(edge[0] < data["nodes"].size());
    CHECK(edge[1] < data["nodes"].size());
  }
  CHECK(page.find("http://") == page.find("http://www.w3.org"));  // nothing is fetched
}

TEST_CASE("GraphML names every shown node and edge once") {
  const std::string text = graphml(graph());
  const auto count = [&](const std::string& what) {
    int64_t n = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
  };
  CHECK(count("<node id=") == graph().pruned.nodes());
  CHECK(count("<edge source=") == graph().pruned.edges());
  CHECK(count("<data key=\"weight\">") == graph().pruned.edges());
}

TEST_CASE("groups by hand come from a file that may hold anything") {
  std::vector<std::string> features;
  for (size_t i = 0; i < graph().nodes.size(); ++i)
    if (graph().pruned.node[i] && graph().nodes[i].kind == NodeKind::feature)
      features.push_back(node_id(graph(), static_cast<int>(i)));
  REQUIRE(features.size() > 2);
  const auto groups = group_by_hand(
      graph(), "# a note\n\nvowel: " + features[0] + " " + features[1] + "\nrest: " + features[2],
      "groups");
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].label == "vowel");
  CHECK(groups[0].nodes.size() == 2);
  Graph grouped = graph();
  set_groups(grouped, groups);
  CHECK(grouped.groups.size() == 1);  // one node is no group
  const auto refused = [](const std::string& text) {
    return error_of([&] { group_by_hand(graph(), text, "groups"); });
  };
  CHECK(refused("vowel").starts_with("[groups:1] expected LABEL"));
  CHECK(refused(": " + features[0]).starts_with("[groups:1] expected LABEL"));
  CHECK(refused("a: b").starts_with("[groups:1] expected a node that the graph shows, got b"));
  CHECK(refused("a: " + features[0] + "\nb: " + features[0]).starts_with("[groups:2]"));
  CHECK(refused(std::string("\0\xff\xfe", 3)).starts_with("[groups:1]"));
  CHECK(refused("a: " + std::string(1 << 16, 'x')).size() < 400);
  CHECK(error_of([] { group_by_time(graph(), 0); }).starts_with("[--group]"));
}
