#pragma once
/// Sets of clips to compare: what they must not share, which items are taken, who groups with whom.

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/contexts/design.h"
#include "otoscope/store/manifest.h"

namespace otoscope::contexts {

struct ContextSet {
  std::string name;
  store::Manifest manifest;
};

/// Something in both sets that would tell or hide a difference by itself.
struct Leak {
  std::string what;  // "clips", "speakers", "sources"
  int64_t count = 0;
  std::string example;
};
/// Clips by id or by file and offset.
std::vector<Leak> leaks_between(const ContextSet& a, const ContextSet& b);

struct SelectOptions {
  /// Clip by clip by their ids (a set and its transform): what content contributes cancels.
  bool paired = false;
  bool force = false;  // compare in spite of leaks
  std::string split = "test";
  int64_t limit = 0;  // of each set the first by hash of their id, 0 = all
};

/// Items of both sets, those of `a` first.
struct Items {
  std::vector<store::Clip> clips;
  Design design;
  std::vector<std::string> content;  // what was said: prompt and language; "" unknown
  bool paired = false, by_speaker = false;
  std::vector<Leak> leaks;  // that --force let pass
  int64_t unpaired = 0;     // clips without a partner, left out
};

/// Groups: sources of sounds, speakers where both sets together have at least 10, else prompts,
/// else files. Sources: `source`, else the speaker. UserError for leaks without force (named, with
/// what to do), and for a set of which nothing is left.
Items select_items(const ContextSet& a, const ContextSet& b, const SelectOptions& options);

}  // namespace otoscope::contexts
