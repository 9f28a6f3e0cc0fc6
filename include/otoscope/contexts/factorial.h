#pragma once
/// Content by recording, 2 x 2 (methods.md §8.2.3): two contents, each in the same two recordings,
/// clip by clip. What is told by what was said and what by how it was recorded come apart, and so
/// does what only the two together do.

#include <array>
#include <span>
#include <string>
#include <vector>

#include "otoscope/contexts/columns.h"
#include "otoscope/contexts/compare.h"

namespace otoscope::contexts {

/// Held-out AUROC of one factor, by a table.
struct Crossed {
  /// Told from the other at one level of the other factor, 0 and 1, groups kept out.
  std::array<Estimate, 2> within;
  /// Trained at level 0 of the other factor and tested at 1, then the reverse: what carries over.
  std::array<Estimate, 2> across;
};

struct Factorial {
  std::array<int64_t, 2> clips = {0, 0};  // of each content
  struct Table {
    std::string name;
    Crossed content, recording;
  };
  std::vector<Table> tables;  // features, raw activations, log-mel, nuisances
  /// y = b0 + b1 content + b2 recording + b3 content x recording, factors -1/2 and 1/2, so that b1
  /// and b2 are effects at the average of the other: columns by |z|.
  std::vector<ColumnDifference> content, recording, interaction;
  /// Word error rate, or share with text where there are no words: the same three effects.
  std::string behaviour;
  std::array<std::array<Estimate, 2>, 2> rate;  // [content][recording]
  Estimate by_content, by_recording, by_both;
};

/// a, b: one content each, its items in the first and in the second recording, paired.
Factorial factorial_of(const Comparison& a, const Comparison& b, const CompareOptions& options,
                       uint64_t seed, Progress& progress = silent_progress());
/// shared: what the two contents have in common and --force let pass.
nlohmann::ordered_json factorial_json(const Comparison& a, const Comparison& b,
                                      const Factorial& factorial, std::span<const Leak> shared,
                                      const CompareOptions& options);

}  // namespace otoscope::contexts
