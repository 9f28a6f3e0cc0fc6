#pragma once
/// Two-sample tests on pooled items (methods.md §8.1, §8.2): can contexts be told apart, do sources
/// never seen keep that, and what could have been found.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/contexts/design.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/core/tensor.h"

namespace otoscope::contexts {

struct TestOptions {
  int folds = 5;
  double ridge = 1;
  int permutations = 999;
  int replicates = 1000;
  uint64_t seed = 0;
};

/// Classifier two-sample test (Lopez-Paz & Oquab 2017, ICLR) with groups kept whole in folds,
/// permutations and the bootstrap.
struct Classified {
  Estimate auroc;  // held out; groups resampled, the discriminants as they are
  double p = 1, smallest_p = 1;
  double critical = 1;    // 95 % quantile of the permuted AUROC
  double detectable = 1;  // AUROC that would pass `critical` in 80 % of repetitions
  int permutations = 0;
  std::vector<double> scores;  // (n), held out
  std::vector<int32_t> fold;
};
/// UserError where a context has fewer than two groups.
Classified classifier_test(View<const double> gram, const Design& design,
                           const TestOptions& options = {});

/// AUROC of scores that are given, over pairs of one fold; groups resampled. NaN where no fold
/// holds both contexts.
Estimate auroc_of(std::span<const double> scores, std::span<const int32_t> fold,
                  const Design& design, const TestOptions& options = {});

/// b - a of two tests over the same items and folds, groups resampled once for both.
Estimate auroc_difference(const Classified& a, const Classified& b, const Design& design,
                          const TestOptions& options = {});

/// The smallest AUROC that passes `critical` in 80 % of repetitions: A - .8416 SE(A) >= critical,
/// SE by Hanley & McNeil (1982) times `spread` (how much wider the groups make it). 1 where none.
double detectable_auroc(double critical, int64_t n0, int64_t n1, double spread = 1);

/// Maximum mean discrepancy, unbiased (Gretton et al. 2012, JMLR 13), Gaussian kernel at half, once
/// and twice the median distance of all pairs.
struct Discrepancy {
  struct At {
    double bandwidth = 0, mmd2 = 0, p = 1;
  };
  At half, median, twice;
  double smallest_p = 1;
};
Discrepancy mmd_test(View<const double> gram, const Design& design,
                     const TestOptions& options = {});

/// Trained on all sources but one of each context (or but one that lies in both), tested on those:
/// a random split measures which corpus, not which context.
struct SourceOut {
  Estimate auroc;  // mean over rounds, sources resampled
  std::vector<double> rounds;
  std::string impossible;  // why there is none
};
SourceOut leave_source_out(View<const double> gram, const Design& design,
                           const TestOptions& options = {});

}  // namespace otoscope::contexts
