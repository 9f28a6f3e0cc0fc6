#include <filesystem>

#include "otoscope/core/errors.h"
#include "otoscope/features/stability.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::features {

void write_stability(const std::filesystem::path& database, const FoundAgain& found, int64_t of,
                     const std::string& identity) {
  if (!std::filesystem::exists(database))
    throw UserError(database.string(), "expected a database of features, got nothing",
                    "run describe on this SAE first");
  io::Database db(database, io::Database::Mode::write);
  io::Transaction transaction(db);
  db.execute(R"(
DROP TABLE IF EXISTS stability;
CREATE TABLE stability (feature INTEGER PRIMARY KEY, seeds INTEGER NOT NULL, of INTEGER NOT NULL,
  mean_cosine REAL, mean_iou REAL);
)");
  io::Statement insert = db.prepare("INSERT INTO stability VALUES (?,?,?,?,?)");
  for (size_t f = 0; f < found.seeds.size(); ++f)
    if (found.live[f] != 0)
      insert.run(static_cast<int64_t>(f), static_cast<int64_t>(found.seeds[f]), of,
                 static_cast<double>(found.mean_cosine[f]), static_cast<double>(found.mean_iou[f]));
  db.prepare("INSERT OR REPLACE INTO meta VALUES ('stability', ?)").run(identity);
  transaction.commit();
}

}  // namespace otoscope::features
