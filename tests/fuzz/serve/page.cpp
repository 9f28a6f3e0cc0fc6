// Any bytes as a report that is held against the files it names: a list of problems, never more.
// The file, a zero byte, the page.
#include "fuzz/folder.h"
#include "otoscope/serve/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  static const fuzzing::Folder folder("page");
  std::string_view page = fuzzing::text_of(data, size);
  folder.write("eval.json", fuzzing::take_part(page));
  const auto check = serve::check_report(page, folder.path());
  if (check.numbers < 0) __builtin_trap();
  return 0;
}
