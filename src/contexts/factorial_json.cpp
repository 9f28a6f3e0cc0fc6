#include <algorithm>
#include <nlohmann/json.hpp>

#include "contexts/json.h"
#include "otoscope/contexts/factorial.h"

namespace otoscope::contexts {
namespace {

using io::OrderedJson;

OrderedJson crossed_json(const Crossed& c) {
  return {{"within", {io::to_json(c.within[0]), io::to_json(c.within[1])}},
          {"across", {io::to_json(c.across[0]), io::to_json(c.across[1])}}};
}

OrderedJson columns_json(const std::vector<ColumnDifference>& columns, const Comparison& a,
                         int shown) {
  OrderedJson json{{"tested", columns.size()},
                   {"q_at_most_.05", std::count_if(columns.begin(), columns.end(),
                                                   [](const auto& c) { return c.q <= .05; })},
                   {"list", OrderedJson::array()}};
  for (size_t k = 0; k < columns.size() && k < static_cast<size_t>(shown); ++k) {
    OrderedJson row = to_json(columns[k]);
    row["column"] = columns[k].column;
    row["name"] = a.names.empty() ? "" : a.names[static_cast<size_t>(columns[k].column)];
    json["list"].push_back(std::move(row));
  }
  return json;
}

}  // namespace

OrderedJson factorial_json(const Comparison& a, const Comparison& b, const Factorial& f,
                           std::span<const Leak> shared, const CompareOptions& options) {
  OrderedJson json{{"contents", OrderedJson::array({OrderedJson::array({a.first, a.second}),
                                                    OrderedJson::array({b.first, b.second})})},
                   {"clips", {f.clips[0], f.clips[1]}},
                   {"tables", OrderedJson::object()}};
  json["shared"] = OrderedJson::array();
  for (const Leak& leak : shared)
    json["shared"].push_back(
        {{"what", leak.what}, {"count", leak.count}, {"example", leak.example}});
  for (const Factorial::Table& table : f.tables)
    json["tables"][table.name] = {{"content", crossed_json(table.content)},
                                  {"recording", crossed_json(table.recording)}};
  json["columns"] = {{"content", columns_json(f.content, a, options.shown)},
                     {"recording", columns_json(f.recording, a, options.shown)},
                     {"content x recording", columns_json(f.interaction, a, options.shown)}};
  if (f.behaviour.empty()) return json;
  OrderedJson& behaviour = json["behaviour"];
  behaviour["rate"] = f.behaviour;
  for (const auto& content : f.rate)
    behaviour["cells"].push_back({io::to_json(content[0]), io::to_json(content[1])});
  behaviour["content"] = io::to_json(f.by_content);
  behaviour["recording"] = io::to_json(f.by_recording);
  behaviour["content x recording"] = io::to_json(f.by_both);
  return json;
}

}  // namespace otoscope::contexts
