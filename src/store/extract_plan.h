#pragma once
/// What an extraction will do, computed before its first forward and equal after every restart.

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/audio/pack.h"
#include "otoscope/core/progress.h"
#include "otoscope/store/extract.h"
#include "otoscope/store/store.h"
#include "store/forced.h"

namespace otoscope::store {

struct ExtractPlan {
  std::vector<audio::Window> windows;  // placements name items, not clips
  std::vector<Item> items;             // in the order of their rows
  std::vector<Clip> clips;             // in the order of items
  std::vector<size_t> order;           // which of the clips given each item is
  std::vector<int64_t> first_row;      // of each window; one more at the end
  std::vector<Forced> forced;          // by item, where rows are tokens; else empty

  bool of_tokens() const { return !forced.empty(); }
  /// Of the one clip of a window.
  const Forced& forced_of(int64_t window) const {
    return forced[static_cast<size_t>(windows[static_cast<size_t>(window)].front().clip)];
  }
};

/// Everything that fixes windows and bytes besides model, site and dtype, for Header::plan. Cheap:
/// no file is decoded.
std::vector<std::string> conditions_of(const std::vector<Clip>& clips,
                                       const ExtractOptions& options, int64_t window_samples);

/// Decodes every clip once for its length, then places them.
ExtractPlan plan_extraction(const std::vector<Clip>& clips, const ExtractOptions& options,
                            int64_t window_samples, bool by_speaker, Progress& progress);

/// The same with tokens as rows: one clip a window, `forced` of each clip in the order given.
/// UserError for clips longer than a window, and where no clip has any audio.
ExtractPlan plan_tokens(const std::vector<Clip>& clips, std::vector<Forced> forced,
                        const ExtractOptions& options, int64_t window_samples, bool by_speaker,
                        Progress& progress);

/// Cuts the windows into batches, and the batches into shards of about options.shard_mb at rows of
/// `width` values: the first window of each shard, and the end. Hangs on the plan only, so every
/// run cuts alike.
std::vector<int64_t> shard_starts(const ExtractPlan& plan, const ExtractOptions& options,
                                  int64_t width);

}  // namespace otoscope::store
