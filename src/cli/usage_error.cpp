#include "cli/usage_error.h"

#include <cstdio>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"

namespace otoscope::cli {

int wrong_usage(const std::string& verb, const std::string& expected,
                const std::vector<std::string>& got) {
  const UserError error(
      verb, "expected " + expected + ", got " + (got.empty() ? "nothing" : join(got, " ")),
      "`otoscope " + verb + " --help` shows an example");
  std::fprintf(stderr, "otoscope: %s\n", error.what());
  return 2;
}

}  // namespace otoscope::cli
