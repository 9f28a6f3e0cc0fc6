#pragma once
/// Moments of clips as a reader without ears sees them, and which of them a name is made from and
/// held against.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "otoscope/audio/labels.h"
#include "otoscope/features/coded_rows.h"
#include "otoscope/features/postings.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

/// "«please» hold the line | 0.42 s of 2.10 s | phone l, syllable onset, …, language en"
class MomentText {
 public:
  MomentText(const store::Store& store, std::span<const audio::ClipLabels> labels);
  std::string of(int64_t row) const;

 private:
  const store::Store& store_;
  std::map<std::string, const audio::ClipLabels*> clips_;
};

struct Firing {
  int64_t row = 0;
  float value = 0;
};

/// What a feature's name is made from: rows of train and dev, and how strongly it fires there
/// relative to its strongest.
struct Shown {
  std::vector<Firing> moments;
};
/// What its name is held against: rows of test in a shuffled order, and whether it fires.
struct Question {
  std::vector<int64_t> rows;
  std::vector<uint8_t> fires;
};

/// The codes of one side of the split, turned on their side.
struct Coded {
  ChosenRows chosen;
  Postings postings;
};

/// Half of them the strongest, half by lot, one of a clip; empty where it fires in fewer than 3
/// clips.
Shown show(const store::Store& store, const Coded& learning, int64_t feature, int count,
           uint64_t seed);
/// `half` firings, one of a clip, by lot, and as many rows on which it and its neighbours within
/// two rows are silent; empty where there are fewer than `half` clips.
Question ask(const store::Store& store, const Coded& test, int64_t feature, int half,
             uint64_t seed);

}  // namespace otoscope::features
