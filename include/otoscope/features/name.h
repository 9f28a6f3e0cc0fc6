#pragma once
/// A short name by rule, with its evidence.

#include <string>

#include "otoscope/features/category.h"

namespace otoscope::features {

/// "vowel /iː/, onset, stressed; P .91 R .77, n 4,112" (figures and firing rows of the test split),
/// "position-bound; .31 of its firings survive a shift", or "" for what is unnamed.
std::string rule_name(const LabelledRows& rows, const std::vector<Cell>& cells,
                      const Verdict& verdict);

/// The labels that go with a unit, best first, as words to search for.
std::string searchable_labels(const LabelledRows& rows, const std::vector<Cell>& cells);

}  // namespace otoscope::features
