#pragma once
/// How often: rates with intervals that resample clusters, by severity and by group (methods.md
/// §7.2, §10).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/audit/case.h"
#include "otoscope/audit/judge.h"
#include "otoscope/core/statistics/estimate.h"

namespace otoscope::audit {

/// Fewer have no interval and give no verdict.
inline constexpr int64_t kLeastCases = 30, kLeastClusters = 10;

struct Rate {
  int64_t fails = 0, n = 0;  // n: cases that could be told
  int64_t errors = 0;        // that could not; they are in no other number here
  int64_t clusters = 0;
  /// Bootstrap over clusters; where all or none fail, Clopper-Pearson with clusters for items,
  /// which never says "no failure" of what was not looked at. Without ends where `insufficient`.
  Estimate estimate;
  Estimate wilson;              // as if cases were independent
  Estimate errors_as_failures;  // the same as `estimate`, errors counted as failures
  std::string insufficient;     // why there is no interval; empty where there is one
};

struct RateOptions {
  uint64_t seed = 0;
  int replicates = 2000;
};
Rate rate_of(std::span<const Case> cases, std::span<const Judgement> judgements,
             const RateOptions& options = {});

/// Failures of exactly one severity, over all cases that could be told.
struct SeverityRate {
  Severity severity = Severity::s0;
  Rate rate;
};
std::vector<SeverityRate> rates_by_severity(std::span<const Case> cases,
                                            std::span<const Judgement> judgements,
                                            const RateOptions& options = {});

struct GroupCell {
  std::string value;  // "es"
  Rate rate;
  bool compared = false;  // it and the rest have cases enough
  Estimate difference;    // its rate less that of all other cases with a value here
  double p = 1, p_adjusted = 1;
  std::string test;
  bool differs = false;  // p_adjusted <= .05
  Estimate wer;          // where its cases have references
  bool has_wer = false;
};
struct GroupTable {
  std::string by;  // "language"
  std::vector<GroupCell> cells;
};
/// Every dimension with two values or more. All comparisons together share one correction
/// (Benjamini-Hochberg, q .05). p: labels permuted over clusters where each cluster has one value,
/// else signs of the clusters' differences flipped.
struct Groups {
  std::vector<GroupTable> tables;
  int64_t tests = 0;
};
Groups rates_by_group(std::span<const Case> cases, std::span<const Judgement> judgements,
                      const RateOptions& options = {});

/// Clusters numbered in the order in which they come.
struct ClusterNumbers {
  std::vector<size_t> of;  // one a case
  size_t count = 0;
};
ClusterNumbers number_clusters(std::span<const Case> cases);

}  // namespace otoscope::audit
