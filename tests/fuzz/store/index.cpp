// Any bytes as the index.json of a store: refused, or written and read again as the same.
#include "store/index.h"
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  store::Index index;
  try {
    index = store::parse_index(fuzzing::text_of(data, size), "index.json");
  } catch (const UserError&) {
    return 0;
  }
  int64_t row = 0;
  for (const store::Item& item : index.items) {
    if (item.first_row != row || item.n_rows < 0) __builtin_trap();
    row += item.n_rows;
  }
  if (row != index.rows) __builtin_trap();
  const std::string text = store::index_text(index);
  if (store::index_text(store::parse_index(text, "again")) != text) __builtin_trap();
  return 0;
}
