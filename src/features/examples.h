#pragma once
/// Keeps, per feature, the strongest frame of each item (top examples) and a fair sample of all
/// firings (quantile examples). Both are pure functions of the rows, whatever the order or block
/// size.

#include <map>
#include <vector>

#include "otoscope/features/evidence.h"

namespace otoscope::features {

class ExampleKeeper {
 public:
  ExampleKeeper(int64_t F, const EvidenceOptions& options);
  void add(int64_t feature, const Peak& peak);
  std::vector<std::vector<Peak>> top() const;
  /// Positive values cut into equal-count bins, weakest first; examples of each from distinct items
  /// where there are enough.
  std::vector<std::vector<std::vector<Peak>>> quantiles() const;

 private:
  struct Sampled {
    uint64_t lot;  // firings with the smallest lots are kept: a sample without replacement
    Peak peak;
  };
  struct PerFeature {
    std::vector<Peak> top;        // one per item, at most 2 * options.top, unordered
    std::vector<Sampled> sample;  // heap, largest lot first
  };
  EvidenceOptions options_;
  std::vector<PerFeature> features_;
};

}  // namespace otoscope::features
