/// Any text as the X.rows.json of foreign activations: items that tile their rows, or a UserError.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "otoscope/core/errors.h"
#include "store/foreign_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto rows = otoscope::store::parse_sidecar(
        std::string_view(reinterpret_cast<const char*>(data), size), "x.rows.json");
    int64_t row = 0;
    for (const otoscope::store::Item& item : rows.items) {
      if (item.first_row != row || item.n_rows < 0) __builtin_trap();
      row += item.n_rows;
    }
  } catch (const otoscope::UserError&) {
  }
  return 0;
}
