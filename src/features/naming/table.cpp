#include "features/naming/table.h"

#include "features/binder.h"

namespace otoscope::features {
namespace {

constexpr const char* kTable = R"(
CREATE TABLE IF NOT EXISTS model_names (feature INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT, rule_name TEXT,
  other TEXT, own_right INTEGER, own_of INTEGER, rule_right INTEGER, rule_of INTEGER, shuffled_right INTEGER,
  shuffled_of INTEGER, asked INTEGER NOT NULL);
)";

void add(Binder& binder, const std::optional<Detection>& detection) {
  for (const bool right : {true, false})
    binder.add(detection ? std::optional<double>(
                               static_cast<double>(right ? detection->right : detection->of))
                         : std::nullopt);
}

std::optional<Detection> detection_at(const io::Statement& row, int column) {
  if (row.is_null(column)) return {};
  return Detection{row.integer(column), row.integer(column + 1)};
}

}  // namespace

void open_model_names(io::Database& db, const std::string& key) {
  io::Transaction transaction(db);
  db.execute(kTable);
  db.prepare("DELETE FROM model_names WHERE key <> ?").run(key);
  db.prepare("INSERT OR REPLACE INTO meta VALUES ('model_names', ?)").run(key);
  transaction.commit();
}

std::vector<ModelName> read_model_names(const io::Database& db) {
  std::vector<ModelName> names;
  io::Statement rows = db.prepare(
      "SELECT feature, coalesce(name, ''), coalesce(rule_name, ''), coalesce(other, ''), "
      "own_right, "
      "own_of, rule_right, rule_of, shuffled_right, shuffled_of, asked FROM model_names ORDER BY "
      "feature");
  while (rows.step())
    names.push_back({rows.integer(0), rows.text(1), rows.text(2), rows.text(3),
                     detection_at(rows, 4), detection_at(rows, 6), detection_at(rows, 8),
                     rows.integer(10) != 0});
  return names;
}

void write_model_name(io::Database& db, const ModelName& name) {
  io::Transaction transaction(db);
  io::Statement row = db.prepare(
      "INSERT OR REPLACE INTO model_names SELECT ?, value, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM meta "
      "WHERE key = 'model_names'");
  Binder binder(row);
  binder.add(name.feature).add_name(name.name).add_name(name.rule_name).add_name(name.other);
  add(binder, name.own), add(binder, name.rule), add(binder, name.shuffled);
  binder.add(static_cast<int64_t>(name.asked ? 1 : 0));
  binder.run();
  transaction.commit();
}

}  // namespace otoscope::features
