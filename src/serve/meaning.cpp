#include "serve/meaning.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::serve {
namespace {

constexpr const char* kClaim =
    "kind, value, tp, fp, fn, tn, precision, precision_low, precision_high, recall, recall_low, "
    "recall_high, f1, f1_low, f1_high, clusters, lift, auroc, events, event_clusters, test_events, "
    "onset, offset, p, coalesce(p_method, '')";

Claim read_claim(const io::Statement& row) {
  Claim claim;
  int c = 0;
  claim.kind = row.text(c++), claim.value = row.text(c++);
  const int64_t tp = row.integer(c++), fp = row.integer(c++), fn = row.integer(c++),
                tn = row.integer(c++);
  const int64_t of[] = {tp + fp, tp + fn, tp + fp + fn};
  Estimate* const estimates[] = {&claim.precision, &claim.recall, &claim.f1};
  for (size_t e = 0; e < 3; ++e) {
    const double value = row.number(c++), low = row.number(c++), high = row.number(c++);
    *estimates[e] = {value, low, high, of[e], 0, "cluster bootstrap"};
  }
  const int64_t clusters = row.integer(c++);
  for (Estimate* estimate : estimates) estimate->clusters = clusters;
  claim.fired = tp + fp;
  claim.base =
      static_cast<double>(tp + fn) / static_cast<double>(std::max<int64_t>(1, tp + fp + fn + tn));
  claim.lift = row.number(c++), claim.auroc = row.number(c++);
  claim.events = row.integer(c++), claim.event_clusters = row.integer(c++);
  claim.test_events = row.integer(c++);
  for (std::optional<double>* one : {&claim.onset, &claim.offset, &claim.p}) {
    if (!row.is_null(c)) *one = row.number(c);
    ++c;
  }
  claim.p_method = row.text(c);
  return claim;
}

io::Json or_null(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? io::Json(*value) : io::Json();
}

bool has_table(const io::Database& db, const char* name) {
  io::Statement table = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
  table.bind(1, name);
  return table.step();
}

}  // namespace

std::optional<ModelsName> models_name_of(const io::Database& db, int64_t feature) {
  if (!has_table(db, "model_names")) return {};
  io::Statement row = db.prepare(
      "SELECT key, name, own_right, own_of, rule_right, rule_of, shuffled_right, shuffled_of FROM "
      "model_names WHERE feature = ? AND name IS NOT NULL");
  row.bind(1, feature);
  if (!row.step()) return {};
  const std::string key = row.text(0);
  ModelsName name{key.substr(0, key.rfind(' ')), row.text(1), {}, {}, {}};
  int column = 2;
  for (std::optional<ModelsName::Score>* score : {&name.own, &name.rule, &name.shuffled}) {
    if (!row.is_null(column))
      *score = ModelsName::Score{row.integer(column), row.integer(column + 1)};
    column += 2;
  }
  return name;
}

bool has_meaning(const io::Database& db) {
  if (!has_table(db, "categories")) return false;
  io::Statement any = db.prepare("SELECT 1 FROM categories LIMIT 1");
  return any.step();
}

FeatureMeaning meaning_of(const io::Database& db, int64_t feature) {
  io::Statement row = db.prepare(
      "SELECT category, coalesce(name, ''), coalesce(failed, ''), claim FROM categories WHERE "
      "feature = ?");
  row.bind(1, feature);
  if (!row.step())
    throw UserError(db.path().string(),
                    "expected a category of feature " + std::to_string(feature) + ", got none",
                    "describe the SAE again");
  FeatureMeaning meaning;
  meaning.category = row.text(0);
  const std::string name = row.text(1);
  meaning.name = name.substr(0, name.rfind("; "));
  if (meaning.name == meaning.category) meaning.name.clear();  // position-bound: no name
  meaning.failed = row.text(2);
  if (row.is_null(3)) return meaning;
  io::Statement claim = db.prepare("SELECT " + std::string(kClaim) +
                                   " FROM associations WHERE feature = ? AND rank = ?");
  claim.bind(1, feature).bind(2, row.integer(3));
  if (claim.step()) meaning.claim = read_claim(claim);
  return meaning;
}

std::vector<int64_t> strongest_of(const io::Database& db, const std::string& category, int count) {
  io::Statement rows = db.prepare(
      "SELECT c.feature, a.kind, a.value FROM categories c JOIN associations a ON a.feature = "
      "c.feature AND a.rank = c.claim WHERE c.category = ? ORDER BY coalesce(a.f1_low, a.f1) DESC, "
      "c.feature");
  rows.bind(1, category);
  std::vector<int64_t> features, others;
  std::set<std::string> labels;
  while (static_cast<int>(features.size()) < count && rows.step())
    (labels.insert(rows.text(1) + " " + rows.text(2)).second ? features : others)
        .push_back(rows.integer(0));
  for (const int64_t feature : others)
    if (static_cast<int>(features.size()) < count) features.push_back(feature);
  return features;
}

nlohmann::json to_json(const FeatureMeaning& meaning) {
  io::Json json = {
      {"category", meaning.category}, {"name", meaning.name}, {"failed", meaning.failed}};
  if (!meaning.claim) return json;
  const Claim& claim = *meaning.claim;
  json["claim"] = {{"kind", claim.kind},
                   {"value", claim.value},
                   {"precision", io::to_json(claim.precision)},
                   {"recall", io::to_json(claim.recall)},
                   {"f1", io::to_json(claim.f1)},
                   {"base", claim.base},
                   {"lift", claim.lift},
                   {"auroc", claim.auroc},
                   {"fired", claim.fired},
                   {"events", claim.events},
                   {"event_clusters", claim.event_clusters},
                   {"test_events", claim.test_events},
                   {"onset", or_null(claim.onset)},
                   {"offset", or_null(claim.offset)},
                   {"p", or_null(claim.p)},
                   {"p_method", claim.p_method}};
  return json;
}

nlohmann::json to_json(const ModelsName& name) {
  io::Json json = {{"model", name.model}, {"name", name.name}};
  const auto add = [&](const char* key, const std::optional<ModelsName::Score>& score) {
    if (score) json[key] = {{"right", score->right}, {"of", score->of}};
  };
  add("own", name.own), add("rule", name.rule), add("shuffled", name.shuffled);
  return json;
}

}  // namespace otoscope::serve
