#pragma once
#include <vector>

#include "otoscope/audio/labels.h"

namespace otoscope::labels {

struct BoundaryErrors {
  std::vector<double> seconds;  // found minus true, of the begins of labels that both have
  int64_t missing = 0;          // true labels that were not found
};

/// Labels are matched in order by the longest common sequence of values (phones: an unequal pair of
/// two vowels or two consonants counts half), so that a reading apart costs its own labels only.
BoundaryErrors boundary_errors(const audio::Track& found, const audio::Track& truth);

}  // namespace otoscope::labels
