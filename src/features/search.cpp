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
  io::Statement rows = db.prepare(
      "SELECT e.feature, count(*) AS hits, (SELECT count(*) FROM examples a WHERE a.feature = "
      "e.feature), f.rate, "
      "coalesce(f.shift_share, -1), min(i.text) FROM texts t JOIN items i ON i.id = t.rowid JOIN "
      "examples e ON e.item = i.id "
      "JOIN features f ON f.id = e.feature WHERE texts MATCH ? GROUP BY e.feature ORDER BY hits "
      "DESC, e.feature LIMIT ?");
  rows.bind(1, query).bind(2, limit);
  std::vector<Found> found;
  while (rows.step())
    found.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.number(3),
                     rows.number(4), rows.text(5)});
  return found;
}

}  // namespace otoscope::features
