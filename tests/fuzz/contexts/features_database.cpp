// Any bytes as a features.sqlite: names and a search, or a UserError.
#include "fuzz/folder.h"
#include "otoscope/contexts/compare.h"
#include "otoscope/core/errors.h"
#include "otoscope/features/describe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  static const fuzzing::Folder folder("features");
  folder.write("features.sqlite", fuzzing::text_of(data, size));
  const auto file = folder.path() / "features.sqlite";
  try {
    const auto names = contexts::feature_names(file, 16);
    if (!names.empty() && names.size() != 16) __builtin_trap();
  } catch (const UserError&) {
  }
  try {
    if (features::search(file, "rain \"s\" OR", 3).size() > 3) __builtin_trap();
  } catch (const UserError&) {
  }
  return 0;
}
