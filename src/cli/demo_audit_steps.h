#pragma once
/// The demo's ending: one failure as a signed record that is checked, and as a page.

#include <vector>

#include "cli/demo_meaning_steps.h"

namespace otoscope::cli {

std::vector<DemoStep> audit_steps(const DemoFolders& folders);

}  // namespace otoscope::cli
