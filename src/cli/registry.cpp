#include "cli/verb.h"

namespace otoscope::cli {

// One line per verb here, one in verbs(); the body is in the file of its name.
std::unique_ptr<Verb> make_version();

const std::vector<VerbEntry>& verbs() {
  static const std::vector<VerbEntry> all = {
      {"version", "version, build and CPU level of this program", make_version},
  };
  return all;
}

}  // namespace otoscope::cli
