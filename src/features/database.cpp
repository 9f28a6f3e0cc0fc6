#include "features/database.h"

#include <algorithm>

#include "features/binder.h"
#include "features/feature_row.h"
#include "features/meaning_tables.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::features {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, path TEXT, offset_s REAL, duration_s REAL, language TEXT,
  speaker TEXT, split TEXT, prompt_id TEXT, text TEXT);
CREATE TABLE features (id INTEGER PRIMARY KEY, state TEXT, association TEXT, fired INTEGER, rate REAL, rate_low REAL, rate_high REAL,
  clusters INTEGER, mean_value REAL, max_value REAL, items INTEGER, largest_item_share REAL,
  silent_share REAL, silent_lift REAL, loudness_db REAL, loudness_z REAL, position_eta REAL,
  language TEXT, language_share REAL, language_low REAL, language_high REAL, language_lift REAL,
  shift_share REAL, shift_low REAL, shift_high REAL, shift_n INTEGER);
CREATE TABLE languages (feature INTEGER, language TEXT, fired INTEGER, rows INTEGER, share REAL, low REAL, high REAL,
  lift REAL, PRIMARY KEY (feature, language)) WITHOUT ROWID;
CREATE TABLE positions (feature INTEGER, bin INTEGER, fired INTEGER, PRIMARY KEY (feature, bin)) WITHOUT ROWID;
CREATE TABLE position_bins (bin INTEGER PRIMARY KEY, rows INTEGER);
CREATE TABLE examples (feature INTEGER, kind TEXT, rank INTEGER, item INTEGER, frame INTEGER, value REAL,
  first_frame INTEGER, trace BLOB, PRIMARY KEY (feature, kind, rank)) WITHOUT ROWID;
CREATE INDEX examples_by_item ON examples (item);
CREATE VIRTUAL TABLE texts USING fts5 (text, content = 'items', content_rowid = 'id');
)";

void insert_items(io::Database& db, const store::Store& store) {
  io::Statement insert = db.prepare("INSERT INTO items VALUES (?,?,?,?,?,?,?,?,?,?)");
  int64_t id = 0;
  for (const store::Item& item : store.items())
    insert.run(id++, item.id, item.path, item.offset_s, item.duration_s, item.language,
               item.speaker, item.split, item.prompt_id, item.text);
  db.execute("INSERT INTO texts (texts) VALUES ('rebuild')");
}

void insert_feature(io::Statement& insert, int64_t feature, const FeatureRow& row) {
  Binder binder(insert);
  binder.add(feature)
      .add_name(row.state)
      .add_name(row.association)
      .add(row.fired)
      .add(std::optional(row.rate));
  binder.add(row.clusters)
      .add(row.mean_value)
      .add(row.max_value)
      .add(row.items)
      .add(row.largest_item_share);
  binder.add(row.silent_share)
      .add(row.silent_lift)
      .add(row.loudness_db)
      .add(row.loudness_z)
      .add(row.position_eta);
  binder.add_name(row.language).add(row.language_share).add(row.language_lift).add(row.shift);
  if (row.shift)
    binder.add(row.shift->n);
  else
    binder.add(std::optional<double>());
  binder.run();
}

void insert_example(io::Statement& insert, const Description& d, int64_t feature,
                    const std::string& kind, int rank, const Peak& peak) {
  const auto found = d.traces.find({feature, peak.row});
  OTO_ASSERT(found != d.traces.end());
  insert.run(feature, kind, rank, static_cast<int64_t>(peak.item), static_cast<int64_t>(peak.frame),
             static_cast<double>(peak.value), static_cast<int64_t>(found->second.first_frame),
             io::Bytes(std::as_bytes(std::span(found->second.values))));
}

void insert_features(io::Database& db, const Description& d) {
  const Tally& tally = d.evidence.tally;
  io::Statement feature_insert = db.prepare(
      "INSERT INTO features VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  io::Statement language_row = db.prepare("INSERT INTO languages VALUES (?,?,?,?,?,?,?,?)");
  io::Statement position_row = db.prepare("INSERT INTO positions VALUES (?,?,?)");
  io::Statement example_row = db.prepare("INSERT INTO examples VALUES (?,?,?,?,?,?,?,?)");
  const int64_t F = d.sae.F();
  for (int64_t feature = 0; feature < F; ++feature) {
    const auto f = static_cast<size_t>(feature);
    insert_feature(feature_insert, feature, feature_row(d, feature));
    if (tally.fired[f] > 0) {
      for (size_t l = 0; l < tally.languages.size(); ++l) {
        const Estimate& share = d.language_share[l][f];
        language_row.run(feature, tally.languages[l],
                         static_cast<int64_t>(tally.language_fired[l * static_cast<size_t>(F) + f]),
                         tally.language_rows[l], share.value, share.low, share.high,
                         share.value * static_cast<double>(tally.rows) /
                             static_cast<double>(std::max<int64_t>(1, tally.language_rows[l])));
      }
      for (int64_t bin = 0; bin < tally.position_bins; ++bin)
        if (const auto count =
                static_cast<int64_t>(tally.position_fired[static_cast<size_t>(bin * F + feature)]);
            count > 0)
          position_row.run(feature, bin, count);
    }
    int rank = 0;
    for (const Peak& peak : d.evidence.top[f])
      insert_example(example_row, d, feature, "top", rank++, peak);
    for (size_t q = 0; q < d.evidence.quantile[f].size(); ++q) {
      rank = 0;
      for (const Peak& peak : d.evidence.quantile[f][q])
        insert_example(example_row, d, feature, "quantile " + std::to_string(q + 1), rank++, peak);
    }
  }
  io::Statement bin_row = db.prepare("INSERT INTO position_bins VALUES (?,?)");
  for (int64_t bin = 0; bin < tally.position_bins; ++bin)
    bin_row.run(bin, tally.position_rows[static_cast<size_t>(bin)]);
}

}  // namespace

void write_features(const std::filesystem::path& path, const Description& description) {
  io::write_database(path, [&](io::Database& db) {
    db.execute(kSchema);
    io::Statement meta = db.prepare("INSERT INTO meta VALUES (?,?)");
    for (const auto& [key, value] : description.meta) meta.run(key, value);
    insert_items(db, description.store);
    insert_features(db, description);
    write_meaning(db, description);
  });
}

std::string read_meta(const std::filesystem::path& path, const std::string& key) {
  if (!std::filesystem::exists(path)) return {};
  const io::Database db(path);
  io::Statement find = db.prepare("SELECT value FROM meta WHERE key = ?");
  find.bind(1, key);
  return find.step() ? find.text(0) : std::string{};
}

}  // namespace otoscope::features
