#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/features/crosslingual.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::features {
namespace {

void bind_or_null(io::Statement& statement, int position, double value) {
  if (std::isfinite(value))
    statement.bind(position, value);
  else
    statement.bind_null(position);
}

}  // namespace

std::vector<std::string> read_categories(const std::filesystem::path& database, int64_t F) {
  if (!std::filesystem::exists(database)) return {};
  const io::Database db(database);
  io::Statement table =
      db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'categories'");
  if (!table.step()) return {};
  std::vector<std::string> categories(static_cast<size_t>(F));
  io::Statement rows = db.prepare("SELECT feature, category FROM categories");
  while (rows.step()) {
    const int64_t feature = rows.integer(0);
    if (feature < 0 || feature >= F)
      throw UserError(database.string(),
                      "expected categories of features below " + std::to_string(F) + ", got " +
                          std::to_string(feature),
                      "describe this SAE again");
    categories[static_cast<size_t>(feature)] = rows.text(1);
  }
  return categories;
}

void write_crosslingual(const std::filesystem::path& database, const Crosslingual& result) {
  if (!std::filesystem::exists(database))
    throw UserError(database.string(), "expected a database of features, got nothing",
                    "run describe on this SAE first");
  const SaeCrosslingual& sae = result.saes.at(0);
  io::Database db(database, io::Database::Mode::write);
  io::Transaction transaction(db);
  db.execute(R"(
DROP TABLE IF EXISTS crosslingual;
DROP TABLE IF EXISTS translations;
CREATE TABLE crosslingual (feature INTEGER, a TEXT, b TEXT, j REAL, j_within REAL, j_n INTEGER, s REAL,
  log2_rate_ratio REAL, fired_a INTEGER, fired_b INTEGER, PRIMARY KEY (feature, a, b)) WITHOUT ROWID;
CREATE TABLE translations (feature INTEGER PRIMARY KEY, r REAL, q REAL);
)");
  io::Statement insert = db.prepare("INSERT INTO crosslingual VALUES (?,?,?,?,?,?,?,?,?,?)");
  for (size_t i = 0; i < sae.rates.size(); ++i) {
    const RateDifference& rates = sae.rates[i];
    for (size_t f = 0; f < rates.log2_ratio.size(); ++f) {
      if (std::isnan(rates.log2_ratio[f])) continue;
      insert.bind(1, static_cast<int64_t>(f));
      insert.bind(2, result.languages[static_cast<size_t>(rates.a)]);
      insert.bind(3, result.languages[static_cast<size_t>(rates.b)]);
      const FeatureSharing sharing =
          sae.sharing.empty() ? FeatureSharing{0, NAN, NAN, NAN} : sae.sharing[i].by_feature[f];
      bind_or_null(insert, 4, sharing.across);
      bind_or_null(insert, 5, sharing.within);
      insert.bind(6, sharing.n);
      bind_or_null(insert, 7,
                   sae.precision.empty() ? NAN : sae.precision[f].ratio(rates.a, rates.b));
      insert.bind(8, static_cast<double>(rates.log2_ratio[f]));
      insert.bind(9, rates.fired_a[f]);
      insert.bind(10, rates.fired_b[f]);
      insert.run();
    }
  }
  io::Statement row = db.prepare("INSERT INTO translations VALUES (?,?,?)");
  for (size_t f = 0; f < sae.translations.r.size(); ++f)
    if (!std::isnan(sae.translations.r[f]))
      row.run(static_cast<int64_t>(f), static_cast<double>(sae.translations.r[f]),
              static_cast<double>(sae.translations.q[f]));
  db.prepare("INSERT OR REPLACE INTO meta VALUES ('crosslingual', ?)")
      .run("store " + result.store_hash + " sae " + result.sae_hash);
  transaction.commit();
}

}  // namespace otoscope::features
