#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "otoscope/circuits/export.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

namespace otoscope::circuits {
namespace {

using io::Json;

class Checker {
 public:
  explicit Checker(std::string_view where) : where_(where) {}

  [[noreturn]] void fail(const std::string& problem) const { throw UserError(where_, problem); }

  const Json& member(const Json& object, const char* key, const std::string& of) const {
    if (!object.is_object() || !object.contains(key)) fail("expected " + of + " with " + key);
    return object.at(key);
  }
  std::string text(const Json& object, const char* key, const std::string& of) const {
    const Json& value = member(object, key, of);
    if (!value.is_string()) fail("expected text at " + of + "." + key);
    return value.get<std::string>();
  }
  void allowed_name(const std::string& name, const char* key) const {
    if (name.empty() || safe_name(name) != name)
      fail(std::string("expected letters, digits, '_', '.', '-' at metadata.") + key + ", got " +
           name);
  }

 private:
  std::string where_;
};

/// The number of a layer written as text or number, or -1.
int64_t layer_number(const Json& layer) {
  if (layer.is_number_integer()) return layer.get<int64_t>();
  if (!layer.is_string()) return -1;
  const auto text = layer.get<std::string>();
  const bool digits =
      !text.empty() && text.size() < 10 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? std::stoll(text) : -1;
}

void check_node(const Checker& check, const Json& node, size_t index, size_t prompt_tokens,
                int64_t& largest_layer) {
  const std::string of = "nodes[" + std::to_string(index) + "]";
  const std::string type = check.text(node, "feature_type", of),
                    clerp = check.text(node, "clerp", of);
  check.text(node, "jsNodeId", of);
  const Json& feature = check.member(node, "feature", of);
  if (!feature.is_null() && !feature.is_number_integer())
    check.fail("expected an integer or null at " + of + ".feature");
  const Json& layer = check.member(node, "layer", of);
  if (!layer.is_string() && !layer.is_number_integer())
    check.fail("expected text or an integer at " + of + ".layer");
  const Json& place = check.member(node, "ctx_idx", of);
  if (!place.is_number_integer() || place.get<int64_t>() < 0 ||
      place.get<int64_t>() >= static_cast<int64_t>(prompt_tokens))
    check.fail("expected a place among " + std::to_string(prompt_tokens) + " prompt tokens at " +
               of + ".ctx_idx");
  for (const char* key : {"influence", "activation"})
    if (node.contains(key) && !node[key].is_null() && !node[key].is_number())
      check.fail("expected a number or null at " + of + "." + key);
  if (type == "logit") {
    if (!clerp.empty() && clerp.find("(p=") == std::string::npos)
      check.fail("expected \"(p=\" in the clerp of the logit " + of);
  } else {
    largest_layer = std::max(largest_layer, layer_number(layer));
  }
}

}  // namespace

void check_neuronpedia(const nlohmann::json& json, std::string_view where) {
  const Checker check(where);
  const Json& metadata = check.member(json, "metadata", "an object");
  check.allowed_name(check.text(metadata, "slug", "metadata"), "slug");
  check.allowed_name(check.text(metadata, "scan", "metadata"), "scan");
  check.text(metadata, "prompt", "metadata");
  const Json& tokens = check.member(metadata, "prompt_tokens", "metadata");
  if (!tokens.is_array() || tokens.empty()) check.fail("expected metadata.prompt_tokens as a list");
  for (const Json& token : tokens)
    if (!token.is_string()) check.fail("expected texts in metadata.prompt_tokens");
  if (metadata.contains("node_threshold") && !metadata["node_threshold"].is_number())
    check.fail("expected a number at metadata.node_threshold");
  if (!check.member(json, "qParams", "an object").is_object())
    check.fail("expected an object at qParams");
  const Json& nodes = check.member(json, "nodes", "an object");
  const Json& links = check.member(json, "links", "an object");
  if (!nodes.is_array() || !links.is_array()) check.fail("expected lists at nodes and links");
  std::map<std::string, size_t> ids;
  std::map<std::string, std::string> js_types;
  int64_t largest_layer = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    check_node(check, nodes[i], i, tokens.size(), largest_layer);
    const std::string of = "nodes[" + std::to_string(i) + "]";
    const std::string id = check.text(nodes[i], "node_id", of);
    const auto [found, fresh] = ids.emplace(id, i);
    if (!fresh)
      check.fail("expected ids that occur once, got " + id + " at nodes[" +
                 std::to_string(found->second) + "] and nodes[" + std::to_string(i) + "]");
    // Runs of one feature share theirs; things of different kinds may not.
    const std::string js = check.text(nodes[i], "jsNodeId", of),
                      type = check.text(nodes[i], "feature_type", of);
    if (js_types.emplace(js, type).first->second != type)
      check.fail("expected jsNodeIds of one kind, got " + js + " for a " + type + " and a " +
                 js_types.at(js));
  }
  if (largest_layer < 1) check.fail("expected a node in a layer over 0, else viewers fail");
  for (size_t i = 0; i < links.size(); ++i) {
    const std::string of = "links[" + std::to_string(i) + "]";
    for (const char* end : {"source", "target"})
      if (!ids.contains(check.text(links[i], end, of)))
        check.fail("expected a known node at " + of + "." + end + ", got " +
                   check.text(links[i], end, of));
    if (!check.member(links[i], "weight", of).is_number())
      check.fail("expected a number at " + of + ".weight");
  }
}

}  // namespace otoscope::circuits
