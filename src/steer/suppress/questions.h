#pragma once
/// The two questions of a suppress run: does nobody speak, and does a sound leave text.

#include <vector>

#include "otoscope/steer/detect.h"
#include "steer/suppress/gather.h"
#include "steer/suppress/setting.h"

namespace otoscope::steer {

/// Sounds against speech, which recipes are built on, then text among sounds. UserError where the
/// first cannot be answered.
std::vector<Detected> ask_questions(const Setting& setting, const Gathered& gathered);

}  // namespace otoscope::steer
