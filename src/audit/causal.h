#pragma once
/// The second column: does taking the features away take the failure away, more than taking others
/// does?

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "audit/arms.h"
#include "audit/checks.h"
#include "audit/predictive.h"

namespace otoscope::audit {

struct CausalOptions {
  int64_t controls = 20;
  double guard_limit = .005;  // largest rise of the word error rate that counts as no harm
  JudgeOptions judging;
  uint64_t seed = 0;
  int replicates = 2000;
};

struct Causal {
  std::string why_not;
  std::vector<Check> checks;
  nlohmann::ordered_json json;
  /// What the controls wrote, for other labels of the same outputs.
  ArmRun controls;
  std::vector<int64_t> rows;  // the test windows, in the order of `controls`
  bool measured() const { return why_not.empty(); }
  bool passed() const { return measured() && all_passed(checks); }
};

/// What is taken away: the set that foretells the failure, or where none could be chosen the
/// circuit. One set alone is ever tried on test.
struct Target {
  std::string why_not;                     // there is none
  std::string what;                        // "the features that foretell it"
  FeatureSet set;                          // of its detector only the features matter
  std::vector<std::vector<int32_t>> like;  // more than are asked for: some take no dose
};

/// The set's features taken to zero, or to their mean over train.
Arm ablation(const FeatureSet& set, const Gathered& gathered, bool to_mean, double strength = 1);

/// Rate before less rate after on the same windows, clusters resampled. Cases that are an error in
/// one of the two are left out of both.
struct Paired {
  Estimate before, after, difference;
};
Paired paired(const Gathered& gathered, const FailureMode& mode, std::span<const int64_t> rows,
              std::span<const steer::Heard> before, std::span<const steer::Heard> after,
              const CausalOptions& options);

/// `guard`: clips of speech that must not suffer; none: the guard is not measured.
Causal intervene(const Gathered& gathered, const FailureMode& mode, const Target& target,
                 const Laboratory& lab, std::span<const steer::SoundWindow> guard,
                 const std::string& guard_data, const CausalOptions& options);

}  // namespace otoscope::audit
