#pragma once
/// What an extraction will do, computed before its first forward and equal after every restart.

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/audio/pack.h"
#include "otoscope/core/progress.h"
#include "otoscope/store/extract.h"
#include "otoscope/store/store.h"

namespace otoscope::store {

struct ExtractPlan {
  std::vector<audio::Window> windows;  // placements name items, not clips
  std::vector<Item> items;             // in the order of their rows
  std::vector<Clip> clips;             // in the order of items
  std::vector<int64_t> first_row;      // of each window; one more at the end
};

/// Everything that fixes windows and bytes besides model, site and dtype, for Header::plan. Cheap:
/// no file is decoded.
std::vector<std::string> conditions_of(const std::vector<Clip>& clips,
                                       const ExtractOptions& options, int64_t window_samples);

/// Decodes every clip once for its length, then places them.
ExtractPlan plan_extraction(const std::vector<Clip>& clips, const ExtractOptions& options,
                            int64_t window_samples, bool by_speaker, Progress& progress);

/// Cuts the windows into batches, and the batches into shards of about options.shard_mb at rows of
/// `width` values: the first window of each shard, and the end. Hangs on the plan only, so every
/// run cuts alike.
std::vector<int64_t> shard_starts(const ExtractPlan& plan, const ExtractOptions& options,
                                  int64_t width);

}  // namespace otoscope::store
