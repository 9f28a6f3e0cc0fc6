#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/features/decompose.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::features {
namespace {

using io::OrderedJson;
using io::to_json;

OrderedJson number(double x) { return std::isfinite(x) ? OrderedJson(x) : OrderedJson(nullptr); }

OrderedJson part_json(const Part& part) {
  OrderedJson json{{"feature", part.feature},
                   {"share", number(part.share)},
                   {"test_share", number(part.test_share)},
                   {"n", part.n}};
  json["senses"] = part.n > 0 ? number(part.senses) : OrderedJson(nullptr);
  json["unit_senses"] = part.n > 0 ? number(part.unit_senses) : OrderedJson(nullptr);
  return json;
}

OrderedJson unit_json(const UnitParts& unit) {
  OrderedJson json{{"unit", unit.unit},
                   {"threshold", number(unit.threshold)},
                   {"test_share", number(unit.test_share)},
                   {"r2", number(unit.r2)},
                   {"bits", number(unit.bits)}};
  json["parts"] = OrderedJson::array();
  for (const Part& part : unit.parts) json["parts"].push_back(part_json(part));
  return json;
}

OrderedJson labels_json(const std::vector<LabelShare>& labels) {
  OrderedJson json = OrderedJson::array();
  for (const LabelShare& one : labels) json.push_back({{"label", one.label}, {"share", one.share}});
  return json;
}

OrderedJson table_json(const UnitTable& table, bool with_units) {
  OrderedJson json{{"name", table.name},
                   {"of", table.of},
                   {"units", table.units.size()},
                   {"compared", table.compared},
                   {"unit_senses", number(table.unit_senses)},
                   {"senses", number(table.senses)},
                   {"bits", to_json(table.bits)},
                   {"p", table.p},
                   {"purer", to_json(table.purer)},
                   {"r2", number(table.r2)},
                   {"test_share", number(table.test_share)}};
  if (!with_units) return json;
  json["by_unit"] = OrderedJson::array();
  for (const UnitParts& unit : table.units) json["by_unit"].push_back(unit_json(unit));
  return json;
}

OrderedJson illustration_json(const Illustration& shown) {
  OrderedJson json{{"unit", shown.unit},
                   {"chosen_on", shown.chosen ? "train and dev" : "asked for"},
                   {"firings", shown.firings},
                   {"labels", labels_json(shown.labels)},
                   {"parts", unit_json(shown.parts)}};
  json["of_parts"] = OrderedJson::array();
  for (const auto& part : shown.of_parts)
    json["of_parts"].push_back({{"feature", part.feature},
                                {"firings", part.firings},
                                {"labels", labels_json(part.labels)}});
  return json;
}

}  // namespace

OrderedJson Decomposition::json() const {
  OrderedJson json{
      {"schema", "otoscope.decompose"},
      {"version", 1},
      {"store", store_hash},
      {"sae", sae_hash},
      {"neurons", neurons_hash.empty() ? OrderedJson(nullptr) : OrderedJson(neurons_hash)},
      {"site", site},
      {"unit_site", unit_site},
      {"w", w},
      {"rows", {{"learning", learning_rows}, {"test", test_rows}, {"labelled", labelled_rows}}},
      {"clusters", clusters}};
  json["tables"] = OrderedJson::array();
  for (size_t i = 0; i < tables.size(); ++i)
    json["tables"].push_back(table_json(tables[i], i == 0));
  json["illustration"] = illustration ? illustration_json(*illustration) : OrderedJson(nullptr);
  DecomposeOptions given = options;
  json["options"] = io::options_to_json(options_of(given));
  json["seed"] = options.seed;
  return json;
}

}  // namespace otoscope::features
