#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/features/describe.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::features {
namespace {

/// Every word quoted, so that no character is an operator of the search language.
std::string quoted_words(const std::string& words) {
  std::string query, word;
  const auto flush = [&] {
    if (!word.empty()) query += (query.empty() ? "\"" : " \"") + word + "\"";
    word.clear();
  };
  for (const char c : words) {
    if (c == ' ' || c == '\t' || c == '\n')
      flush();
    else if (c != '"')
      word += c;
  }
  flush();
  return query;
}

}  // namespace

std::vector<Found> search(const std::filesystem::path& database, const std::string& words,
                          int limit) {
  const std::string query = quoted_words(words);
  if (query.empty()) throw UserError("--find", "expected at least one word, got none");
  const io::Database db(database);
  std::vector<Found> found;
  std::set<int64_t> seen;
  const auto gather = [&](const char* sql) {
    io::Statement rows = db.prepare(sql);
    rows.bind(1, query).bind(2, limit);
    while (static_cast<int>(found.size()) < limit && rows.step()) {
      if (!seen.insert(rows.integer(0)).second) continue;
      found.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.number(3),
                       rows.number(4), rows.text(5), rows.text(6), rows.text(7)});
    }
  };
  // Names before labels: a name costs more.
  gather(
      "SELECT n.rowid, 0, (SELECT count(*) FROM examples e WHERE e.feature = n.rowid), f.rate, "
      "coalesce(f.shift_share, -1), coalesce((SELECT i.text FROM examples e JOIN items i ON i.id = "
      "e.item WHERE e.feature = n.rowid AND e.kind = 'top' AND e.rank = 0), ''), c.category, "
      "coalesce(c.name, '') FROM names n JOIN features f ON f.id = n.rowid JOIN categories c ON "
      "c.feature = n.rowid WHERE names MATCH ? ORDER BY bm25(names, 10.0, 1.0), n.rowid LIMIT ?");
  gather(
      "SELECT e.feature, count(*) AS hits, (SELECT count(*) FROM examples a WHERE a.feature = "
      "e.feature), f.rate, coalesce(f.shift_share, -1), min(i.text), coalesce(c.category, ''), "
      "coalesce(c.name, '') FROM texts t JOIN items i ON i.id = t.rowid JOIN examples e ON e.item "
      "= "
      "i.id JOIN features f ON f.id = e.feature LEFT JOIN categories c ON c.feature = e.feature "
      "WHERE texts MATCH ? GROUP BY e.feature ORDER BY hits DESC, e.feature LIMIT ?");
  return found;
}

}  // namespace otoscope::features
