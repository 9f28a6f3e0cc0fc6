#pragma once
/// Two dictionaries matched with each other: the work behind stability.h.

#include <string>
#include <vector>

#include "otoscope/features/coded_rows.h"
#include "otoscope/features/directions.h"
#include "otoscope/features/overlap.h"
#include "otoscope/features/stability.h"

namespace otoscope::features {

/// A dictionary as it is matched: its live features, and its codes (none: directions alone).
struct Dictionary {
  std::string name;
  std::vector<uint8_t> live;  // (F)
  std::vector<int64_t> ids;   // live features, ascending
  Tensor<float> directions;   // (live, d), unit rows
  SparseRows learning, test;  // codes over all F features

  int64_t F() const { return static_cast<int64_t>(live.size()); }
  bool has_codes() const { return learning.rows() > 0; }
};

Dictionary read_dictionary(const StabilitySae& sae, const store::Store& store,
                           const ChosenRows& learning, const ChosenRows& test,
                           const StabilityOptions& options, Progress& progress);

/// How each feature of one side fares on the other; 0 for dead ones.
struct Matched {
  std::vector<float> cosine;    // (F): with its nearest
  std::vector<uint8_t> mutual;  // (F): and that one's nearest is it
  std::vector<float> iou;       // (F): on test rows, partner chosen on learning rows
};

struct PairMeasured {
  PairStability stability;
  Matched of_a, of_b;
};

class PairMeter {
 public:
  PairMeter(const ChosenRows& test, const StabilityOptions& options)
      : test_(test), options_(options) {}
  PairMeasured measure(const Dictionary& a, const Dictionary& b) const;

 private:
  void match_directions(const Dictionary& a, const Dictionary& b, PairMeasured& out) const;
  void match_firing(const Dictionary& a, const Dictionary& b, PairMeasured& out) const;
  Estimate coverage(const Dictionary& a, const Dictionary& b, std::vector<float>& iou) const;

  const ChosenRows& test_;
  const StabilityOptions& options_;
};

}  // namespace otoscope::features
