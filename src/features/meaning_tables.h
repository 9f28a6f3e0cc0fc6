#pragma once
/// The tables that labels fill: associations, categories, names and the search over them. They are
/// there, and empty, where a database was made without labels.

#include "features/database.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::features {

void write_meaning(io::Database& db, const Description& description);

}  // namespace otoscope::features
