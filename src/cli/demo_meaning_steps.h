#pragma once
/// The demo's second half: what features mean, and whether they cause it.

#include <filesystem>
#include <vector>

#include "cli/demo_steps.h"

namespace otoscope::cli {

/// Where the first half put things.
struct DemoFolders {
  std::filesystem::path out, labels;
  std::filesystem::path activations, shuffled;                // stores, site by site below
  std::filesystem::path batch, middle, frozen, shuffled_sae;  // folders of SAEs
};

/// Structure, steering and the failure put right, after `describe`.
std::vector<DemoStep> meaning_steps(const DemoFolders& folders);
/// The long runs of `demo --full`.
std::vector<DemoStep> full_steps(const DemoFolders& folders);

}  // namespace otoscope::cli
