#pragma once
/// Where a clean forward can be taken up for an edit at a site.

#include <optional>

#include "otoscope/model/site.h"

namespace otoscope::model {

/// The site itself where can_resume_at, else the last place of the residual stream before it. None
/// for the decoder, and for what lies before the stream begins.
std::optional<Site> resume_before(const Site& site);

}  // namespace otoscope::model
