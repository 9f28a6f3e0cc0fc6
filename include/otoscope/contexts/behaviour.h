#pragma once
/// Does what the model writes differ between contexts, at matched content? (methods.md §8.3)

#include <span>
#include <string>
#include <vector>

#include "otoscope/contexts/sets.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/steer/hallucination.h"

namespace otoscope::contexts {

/// A rate in both contexts, and context 1 minus context 0 with groups resampled once for both.
struct Shift {
  Estimate first, second, difference;
};

struct Behaviour {
  /// "pairs of clips", "the same prompts", or "not matched": then a difference may be of content.
  std::string content;
  int64_t clips[2] = {0, 0}, words[2] = {0, 0};
  Shift wer;      // of clips with a reference: sums of errors over sums of words
  Shift wrote;    // share with text, of clips without speech
  Shift empty;    // share of speech without text
  Shift looping;  // share with compression above 2.4
};

/// Where at least 20 contents are in both contexts only those are counted, and contents are what is
/// resampled with their groups. NaN where there is nothing to count.
Behaviour behaviour_of(const Items& items, std::span<const steer::SoundWindow> windows,
                       std::span<const steer::Heard> heard, uint64_t seed, int replicates = 2000);

/// What the same intervention does on both sides: its effect (with minus without) in each context,
/// and the difference of effects, paired.
struct SameIntervention {
  std::string content;
  Shift wer;  // first, second: effects
  Shift wrote;
};
SameIntervention intervention_of(const Items& items, std::span<const steer::SoundWindow> windows,
                                 std::span<const steer::Heard> without,
                                 std::span<const steer::Heard> with, uint64_t seed,
                                 int replicates = 2000);

}  // namespace otoscope::contexts
