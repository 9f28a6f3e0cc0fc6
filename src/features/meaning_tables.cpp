#include "features/meaning_tables.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "features/binder.h"
#include "otoscope/features/name.h"

namespace otoscope::features {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE associations (feature INTEGER, rank INTEGER, kind TEXT, value TEXT, threshold REAL, firing_share REAL,
  tp INTEGER, fp INTEGER, fn INTEGER, tn INTEGER, precision REAL, precision_low REAL, precision_high REAL,
  recall REAL, recall_low REAL, recall_high REAL, f1 REAL, f1_low REAL, f1_high REAL, clusters INTEGER,
  all_positive_f1 REAL, mcc REAL, lift REAL, auroc REAL, learned_mcc REAL, learned_f1 REAL,
  onset REAL, onset_q1 REAL, onset_q3 REAL, offset REAL, offset_q1 REAL, offset_q3 REAL, lags INTEGER,
  events INTEGER, event_clusters INTEGER, test_events INTEGER, test_event_clusters INTEGER,
  p REAL, p_method TEXT, PRIMARY KEY (feature, rank)) WITHOUT ROWID;
CREATE INDEX associations_by_value ON associations (kind, value);
CREATE TABLE categories (feature INTEGER PRIMARY KEY, category TEXT, name TEXT, claim INTEGER, failed TEXT,
  distinct_words INTEGER, rivals TEXT);
CREATE INDEX categories_by_category ON categories (category);
CREATE VIRTUAL TABLE names USING fts5 (name, labels);
)";

std::optional<double> measured(const Lag& lag, double value) {
  return lag.n > 0 ? std::optional(value) : std::nullopt;
}

void insert_cell(io::Statement& insert, int64_t rank, const LabelledRows& rows, const Cell& cell) {
  Binder binder(insert);
  binder.add(static_cast<int64_t>(cell.unit))
      .add(rank)
      .add(std::string(audio::label_kind_name(rows.kind(cell.value))))
      .add(rows.text(cell.value))
      .add(static_cast<double>(cell.threshold))
      .add(cell.firing_share);
  binder.add(cell.test.tp).add(cell.test.fp).add(cell.test.fn).add(cell.test.tn);
  binder.add(std::optional(cell.precision))
      .add(std::optional(cell.recall))
      .add(std::optional(cell.f1))
      .add(cell.f1.clusters);
  binder.add(cell.test.all_positive_f1())
      .add(cell.test.mcc())
      .add(cell.test.lift())
      .add(cell.auroc)
      .add(cell.chosen.mcc())
      .add(cell.chosen.f1());
  for (const Lag& lag : {cell.onset, cell.offset})
    binder.add(measured(lag, lag.median)).add(measured(lag, lag.q1)).add(measured(lag, lag.q3));
  binder.add(cell.onset.n)
      .add(cell.events)
      .add(cell.event_clusters)
      .add(cell.test_events)
      .add(cell.test_event_clusters);
  // Only what stood for election was tested.
  binder.add(cell.p_method.empty() ? std::nullopt : std::optional(cell.p)).add_name(cell.p_method);
  binder.run();
}

/// {"word": 12.5, "loudness": null}: odds ratios within the rival's strata; null: infinite.
std::string rivals_text(const Verdict& verdict) {
  nlohmann::ordered_json rivals = nlohmann::ordered_json::object();
  for (const Survival& survival : verdict.survivals)
    rivals[std::string(audio::label_kind_name(survival.rival))] =
        std::isfinite(survival.odds) ? nlohmann::ordered_json(survival.odds)
                                     : nlohmann::ordered_json();
  return rivals.empty() ? std::string() : rivals.dump();
}

}  // namespace

void write_meaning(io::Database& db, const Description& description) {
  db.execute(kTables);
  if (description.meaning == nullptr) return;
  const LabelledRows& rows = *description.labelled;
  const Meaning& meaning = *description.meaning;
  io::Statement cell_row = db.prepare(
      "INSERT INTO associations VALUES "
      "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
      "?,?,?,?,?,?,?,?,?)");
  io::Statement category_row = db.prepare("INSERT INTO categories VALUES (?,?,?,?,?,?,?)");
  io::Statement name_row = db.prepare("INSERT INTO names (rowid, name, labels) VALUES (?,?,?)");
  for (size_t u = 0; u < meaning.verdicts.size(); ++u) {
    const auto& cells = meaning.associations.cells[u];
    const Verdict& verdict = meaning.verdicts[u];
    int64_t rank = 0;
    for (const Cell& cell : cells) insert_cell(cell_row, rank++, rows, cell);
    Binder binder(category_row);
    binder.add(static_cast<int64_t>(u))
        .add(std::string(category_name(verdict.category)))
        .add_name(meaning.names[u])
        .add(verdict.cell < 0 ? std::nullopt : std::optional<double>(verdict.cell))
        .add_name(verdict.failed)
        .add(verdict.distinct_words)
        .add_name(rivals_text(verdict));
    binder.run();
    if (!cells.empty())
      name_row.run(static_cast<int64_t>(u),
                   std::string(category_name(verdict.category)) + " " + meaning.names[u],
                   searchable_labels(rows, cells));
  }
}

}  // namespace otoscope::features
