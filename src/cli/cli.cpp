#include "otoscope/cli/cli.h"
namespace otoscope::cli {
int run(int, char**) { return 2; }
}  // namespace otoscope::cli
