#pragma once
/// The evaluation part of the report: the table beside controls, packed against shifted, and the
/// plots.

#include "serve/html.h"
#include "serve/run_files.h"

namespace otoscope::serve {

void write_evaluation(Html& html, const RunFiles& run);
/// Controls that do as well as the SAE in some measure, in words; nothing where there are none.
void write_controls_that_win(Html& html, const RunFiles& run);
void write_plots(Html& html, const RunFiles& run);

}  // namespace otoscope::serve
