#pragma once
/// The statistics that every claim uses (methods.md §10). Frames are never independent: intervals
/// and nulls resample clusters (speaker, else prompt, else recording).

#include "otoscope/core/statistics/bootstrap.h"       // IWYU pragma: export
#include "otoscope/core/statistics/distributions.h"   // IWYU pragma: export
#include "otoscope/core/statistics/estimate.h"        // IWYU pragma: export
#include "otoscope/core/statistics/hypergeometric.h"  // IWYU pragma: export
#include "otoscope/core/statistics/permutation.h"     // IWYU pragma: export
#include "otoscope/core/statistics/proportions.h"     // IWYU pragma: export
#include "otoscope/core/statistics/ranks.h"           // IWYU pragma: export
