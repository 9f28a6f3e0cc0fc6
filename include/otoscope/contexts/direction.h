#pragma once
/// Does moving along what separates two contexts change what the model writes? (methods.md §8.3)
/// The first context's clips are moved toward the second, the second's back, beside random
/// directions of the same length.

#include <string>
#include <vector>

#include "otoscope/contexts/gather.h"
#include "otoscope/contexts/sets.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/sae/sae.h"

namespace otoscope::contexts {

struct DirectionOptions {
  int controls = 19;   // of each arm; with n of them no p is below 1 / (n + 1)
  int64_t clips = 48;  // moved, of each context
  int features = 20;   // of the arm of features
  int replicates = 1000;
  int batch = 8;
  uint64_t seed = 0;
};

struct Moved {
  double dose = 0;   // 1: as far as the contexts' means are apart
  double moved = 0;  // mean ||x' - x|| in units of mean ||x||
  Estimate effect;   // change of the rate, with minus without, groups resampled
};
struct DirectionArm {
  std::string name;               // "features", "mean difference"
  std::vector<int32_t> features;  // of the first arm
  std::vector<Moved> toward;      // the first context's clips, doses .5, 1, 2
  Moved back;                     // the second context's clips, dose -1
  std::vector<double> controls;   // effects of random directions at dose 1, rows' norms equal
  double p = 1;                   // (1 + how many reach |effect at 1|) / (1 + n)
};
struct Directed {
  std::string behaviour;  // "word error rate" or "share with text"
  int64_t clips[2] = {0, 0}, words[2] = {0, 0};
  std::vector<DirectionArm> arms;
};

/// Half of the groups say where the direction points, clips of the other half are moved. Arms: the
/// features (if there is an SAE) with the largest standardised difference of means, each code moved
/// by that difference, the SAE's error kept; and the difference of the rows' means. Random
/// directions are Gaussian mixtures of how items of one context differ: where rows really vary,
/// unlike directions of the whole space. UserError where nothing was decoded.
Directed move_along(const model::Whisper& model, const model::Tokenizer& tokenizer,
                    const Items& items, const Gathered& gathered, const model::Site& site,
                    const sae::Sae* sae, const DirectionOptions& options,
                    Progress& progress = silent_progress());

}  // namespace otoscope::contexts
