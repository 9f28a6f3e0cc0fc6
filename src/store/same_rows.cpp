#include "otoscope/store/same_rows.h"

#include "otoscope/core/errors.h"

namespace otoscope::store {

void check_same_rows(const Store& a, const Store& b, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    throw UserError(where, "expected the rows of " + a.path().string() + ", got " + what,
                    "extract both sites in one pass");
  };
  if (a.rows() != b.rows())
    refuse(std::to_string(b.rows()) + " rows instead of " + std::to_string(a.rows()));
  if (a.items().size() != b.items().size())
    refuse(std::to_string(b.items().size()) + " items instead of " +
           std::to_string(a.items().size()));
  for (size_t i = 0; i < a.items().size(); ++i) {
    const Item &x = a.items()[i], &y = b.items()[i];
    if (x.id != y.id) refuse("item " + y.id + " in the place of " + x.id);
    if (x.first_row != y.first_row || x.n_rows != y.n_rows) refuse("other rows of item " + x.id);
    if (x.split != y.split) refuse("item " + x.id + " in split " + y.split);
  }
  for (int64_t row = 0; row < a.rows(); ++row) {
    const RowOrigin x = a.origin(row), y = b.origin(row);
    if (x.item != y.item || x.frame != y.frame || x.window != y.window ||
        x.position != y.position || x.token != y.token)
      refuse("another origin of row " + std::to_string(row));
  }
}

}  // namespace otoscope::store
