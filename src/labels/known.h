#pragma once
/// Tracks that are not known everywhere.

#include <vector>

#include "otoscope/audio/labels.h"

namespace otoscope::labels {

struct Stretch {
  double from = 0, to = 0;
};

/// The track cut into tracks that are known outside the stretches only (in order, apart). Labels
/// that reach into one are cut.
std::vector<audio::Track> known_outside(const audio::Track& track,
                                        const std::vector<Stretch>& unknown);
/// Known only where a label lies: one track per run of labels without a gap.
std::vector<audio::Track> known_where_labelled(const audio::Track& track);

}  // namespace otoscope::labels
