#include "otoscope/contexts/compare.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::contexts {

std::vector<std::string> feature_names(const std::filesystem::path& database, int64_t F) {
  std::error_code error;
  if (!std::filesystem::exists(database, error)) return {};
  const io::Database db(database);
  io::Statement table =
      db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'categories'");
  if (!table.step()) return {};  // described without labels
  std::vector<std::string> names(static_cast<size_t>(F));
  io::Statement rows = db.prepare("SELECT feature, category, name FROM categories");
  while (rows.step()) {
    const int64_t feature = rows.integer(0);
    if (feature < 0 || feature >= F)
      throw UserError(
          database.string(),
          "expected features below " + std::to_string(F) + ", got " + std::to_string(feature),
          "it describes another SAE");
    std::string& name = names[static_cast<size_t>(feature)];
    if (!rows.is_null(2)) name = rows.text(2);
  }
  return names;
}

}  // namespace otoscope::contexts
