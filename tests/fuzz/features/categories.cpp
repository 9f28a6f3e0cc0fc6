// Any bytes as a categories.json: columns that can be judged, or a UserError.
#include "features/parse_columns.h"
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    const auto columns = features::parse_columns(fuzzing::text_of(data, size), "categories.json");
    if (columns.empty()) return 0;
    for (int c = 0; c < features::kCategories; ++c)
      features::standing(columns, static_cast<features::Category>(c));
  } catch (const UserError&) {
  }
  return 0;
}
