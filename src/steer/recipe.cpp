#include "otoscope/steer/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"

namespace otoscope::steer {
namespace {

using io::Json;
using io::OrderedJson;

constexpr int64_t kRecipeBytes = int64_t{64} << 20;
constexpr size_t kOperators = 64, kFeatures = 65536, kDirections = 256, kText = 65536;
constexpr std::string_view kSchema = "otoscope.recipe";

void known_keys(const Json& json, const std::vector<std::string>& known, std::string_view where) {
  if (!json.is_object()) throw UserError(where, "expected an object");
  for (const auto& [key, value] : json.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw UserError(where, fmt::format("knows no key \"{}\"", key),
                      "nearest: " + join(nearest_names(key, known)));
}

std::string text_or(const Json& json, std::string_view key, std::string_view where) {
  if (!json.contains(key)) return {};
  std::string text = io::string_at(json, key, where);
  if (text.size() > kText)
    throw UserError(where, fmt::format("expected at most {} bytes at {}", kText, key));
  return text;
}

const Json& list_at(const Json& json, std::string_view key, size_t limit, std::string_view where) {
  const Json& list = io::member_at(json, key, where);
  if (!list.is_array()) throw UserError(where, fmt::format("expected a list at {}", key));
  if (list.size() > limit)
    throw UserError(
        where, fmt::format("expected at most {} entries at {}, got {}", limit, key, list.size()));
  return list;
}

float to_float(const Json& number, std::string_view key, std::string_view where) {
  if (!number.is_number()) throw UserError(where, fmt::format("expected numbers at {}", key));
  const auto value = number.get<double>();
  if (!(std::abs(value) <= std::numeric_limits<float>::max()))
    throw UserError(where, fmt::format("expected numbers of 32 bits at {}, got {}", key, value));
  return static_cast<float>(value);
}

int64_t place_or(const Json& json, std::string_view key, int64_t otherwise,
                 std::string_view where) {
  return json.contains(key) ? io::integer_at(json, key, where) : otherwise;
}

Where where_of(const Json& json, std::string_view name) {
  known_keys(json, {"padding", "firing", "first", "end", "first_step", "end_step"}, name);
  Where where;
  if (json.contains("padding")) where.padding = io::bool_at(json, "padding", name);
  if (json.contains("firing")) where.firing = io::bool_at(json, "firing", name);
  where.first = place_or(json, "first", 0, name);
  where.end = place_or(json, "end", kNoEnd, name);
  where.first_step = place_or(json, "first_step", 0, name);
  where.end_step = place_or(json, "end_step", kNoEnd, name);
  return where;
}

OrderedJson to_json(const Where& where) {
  OrderedJson json = OrderedJson::object();
  if (where.padding) json["padding"] = true;
  if (where.firing) json["firing"] = true;
  if (where.first != 0) json["first"] = where.first;
  if (where.end != kNoEnd) json["end"] = where.end;
  if (where.first_step != 0) json["first_step"] = where.first_step;
  if (where.end_step != kNoEnd) json["end_step"] = where.end_step;
  return json;
}

void read_directions(const Json& json, Operator& op, std::string_view where) {
  const Json& list = list_at(json, "directions", kDirections, where);
  size_t width = 0;
  op.rank = static_cast<int64_t>(list.size());
  for (const Json& row : list) {
    if (!row.is_array() || row.empty() || row.size() > kFeatures)
      throw UserError(where, "expected each of the directions as a list of numbers");
    if (width == 0) width = row.size();
    if (row.size() != width)
      throw UserError(
          where, fmt::format("expected directions of one width, got {} and {}", width, row.size()));
    for (const Json& number : row) op.directions.push_back(to_float(number, "directions", where));
  }
  if (json.contains("unit")) op.unit = io::number_at(json, "unit", where);
}

std::vector<int32_t> features_at(const Json& json, std::string_view where) {
  std::vector<int32_t> features;
  for (const Json& feature : list_at(json, "features", kFeatures, where)) {
    if (!feature.is_number_integer() || feature.get<int64_t>() < 0 ||
        feature.get<int64_t>() > std::numeric_limits<int32_t>::max())
      throw UserError(where, "expected numbers of features at features");
    features.push_back(static_cast<int32_t>(feature.get<int64_t>()));
  }
  return features;
}

Operator operator_of(const Json& json, std::string_view where) {
  known_keys(json, {"action", "strength", "features", "units", "directions", "unit", "where"},
             where);
  Operator op;
  op.action = action_named(where, io::string_at(json, "action", where));
  if (op.action == Action::swap)
    throw UserError(where, "expected an action of its own, got swap, which needs another clip");
  op.strength = io::number_at(json, "strength", where);
  if (json.contains("where")) op.where = where_of(json["where"], where);
  if (!uses_features(op.action)) {
    if (json.contains("features") || json.contains("units"))
      throw UserError(where,
                      fmt::format("{} takes directions, not features", action_name(op.action)));
    read_directions(json, op, where);
    return op;
  }
  if (json.contains("directions") || json.contains("unit"))
    throw UserError(where,
                    fmt::format("{} takes features, not directions", action_name(op.action)));
  op.features = features_at(json, where);
  if (json.contains("units"))
    for (const Json& unit : list_at(json, "units", kFeatures, where))
      op.units.push_back(to_float(unit, "units", where));
  return op;
}

OrderedJson to_json(const Operator& op, std::string_view where) {
  if (op.action == Action::swap || !op.where.ranges.empty())
    throw UserError(where, "expected operators that name no clips of one run",
                    "swap and edits of chosen places of chosen clips cannot be kept in a recipe");
  OrderedJson json{{"action", action_name(op.action)}, {"strength", op.strength}};
  if (uses_features(op.action)) {
    json["features"] = op.features;
    if (!op.units.empty()) json["units"] = op.units;
  }
  return json;
}

OrderedJson directions_json(const Operator& op) {
  OTO_ASSERT(op.rank > 0 && op.directions.size() % static_cast<size_t>(op.rank) == 0);
  const auto d = static_cast<int64_t>(op.directions.size()) / op.rank;
  OrderedJson rows = OrderedJson::array();
  for (auto row = op.directions.begin(); row != op.directions.end(); row += d)
    rows.push_back(std::vector<float>(row, row + d));
  return rows;
}

void read_condition(const Json& json, std::string_view where, Recipe& recipe) {
  known_keys(json, {"site", "pool", "features", "weights", "bias", "sae"}, where);
  Condition when;
  recipe.when_site = io::string_at(json, "site", where);
  when.pool = pool_named(where, io::string_at(json, "pool", where));
  when.features = features_at(json, where);
  for (const Json& weight : list_at(json, "weights", kFeatures, where))
    when.weights.push_back(to_float(weight, "weights", where));
  when.bias = io::number_at(json, "bias", where);
  const Json& sae = io::member_at(json, "sae", where);
  known_keys(sae, {"folder", "hash"}, where);
  recipe.when_sae_folder = text_or(sae, "folder", where);
  recipe.when_sae_hash = io::string_at(sae, "hash", where);
  recipe.when = std::move(when);
}

OrderedJson condition_json(const Recipe& recipe) {
  const Condition& when = *recipe.when;
  return {{"site", recipe.when_site},
          {"pool", pool_name(when.pool)},
          {"features", when.features},
          {"weights", when.weights},
          {"bias", when.bias},
          {"sae", {{"folder", recipe.when_sae_folder}, {"hash", recipe.when_sae_hash}}}};
}

}  // namespace

bool Recipe::names_features() const {
  return form == Form::splice ||
         std::any_of(operators.begin(), operators.end(),
                     [](const Operator& op) { return uses_features(op.action); });
}

Recipe parse_recipe(std::string_view text, std::string_view where) {
  const Json json = io::parse_json(text, where);
  known_keys(
      json,
      {"schema", "version", "name", "note", "model", "sae", "site", "form", "operators", "when"},
      where);
  if (io::string_at(json, "schema", where) != kSchema)
    throw UserError(where, fmt::format("expected schema {}", kSchema));
  if (io::integer_at(json, "version", where) != 1)
    throw UserError(
        where, fmt::format("expected version 1, got {}", io::integer_at(json, "version", where)),
        "a newer otoscope wrote it");
  Recipe recipe;
  recipe.name = text_or(json, "name", where);
  recipe.note = text_or(json, "note", where);
  const Json& model = io::member_at(json, "model", where);
  known_keys(model, {"name", "hash"}, where);
  recipe.model_name = text_or(model, "name", where);
  recipe.model_hash = io::string_at(model, "hash", where);
  if (json.contains("sae")) {
    known_keys(json["sae"], {"folder", "hash"}, where);
    recipe.sae_folder = text_or(json["sae"], "folder", where);
    recipe.sae_hash = io::string_at(json["sae"], "hash", where);
  }
  recipe.site = io::string_at(json, "site", where);
  const std::string form =
      json.contains("form") ? io::string_at(json, "form", where) : std::string("preserving");
  if (form != "preserving" && form != "splice")
    throw UserError(where, "expected preserving or splice at form, got " + form);
  recipe.form = form == "splice" ? Form::splice : Form::preserving;
  const Json& operators = list_at(json, "operators", kOperators, where);
  for (size_t i = 0; i < operators.size(); ++i)
    recipe.operators.push_back(
        operator_of(operators[i], fmt::format("{}: operator {}", where, i + 1)));
  if (json.contains("when"))
    read_condition(json["when"], fmt::format("{}: condition", where), recipe);
  if (recipe.names_features() && recipe.sae_hash.empty())
    throw UserError(where, "expected the hash of an SAE, for there are operators on features");
  return recipe;
}

Recipe read_recipe(const std::filesystem::path& path) {
  Recipe recipe = parse_recipe(io::read_file(path, kRecipeBytes), path.string());
  recipe.path = path;
  return recipe;
}

void write_recipe(const std::filesystem::path& path, const Recipe& recipe) {
  const std::string where = path.string();
  OrderedJson json{{"schema", kSchema}, {"version", 1}};
  if (!recipe.name.empty()) json["name"] = recipe.name;
  if (!recipe.note.empty()) json["note"] = recipe.note;
  json["model"] = {{"name", recipe.model_name}, {"hash", recipe.model_hash}};
  if (!recipe.sae_hash.empty())
    json["sae"] = {{"folder", recipe.sae_folder}, {"hash", recipe.sae_hash}};
  json["site"] = recipe.site;
  json["form"] = recipe.form == Form::splice ? "splice" : "preserving";
  json["operators"] = OrderedJson::array();
  for (const Operator& op : recipe.operators) {
    OrderedJson one = to_json(op, where);
    if (!uses_features(op.action)) {
      one["directions"] = directions_json(op);
      one["unit"] = op.unit;
    }
    if (!(op.where == Where{})) one["where"] = to_json(op.where);
    json["operators"].push_back(std::move(one));
  }
  if (recipe.when) json["when"] = condition_json(recipe);
  parse_recipe(json.dump(), where);  // what cannot be read is not written
  io::write_json(path, json);
}

}  // namespace otoscope::steer
