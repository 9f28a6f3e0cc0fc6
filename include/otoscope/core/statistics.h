#pragma once
/// The statistics that every claim uses (methods.md §10). Frames are never independent: intervals
/// and nulls resample clusters (speaker, else prompt, else recording).

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace otoscope {

/// A number with its uncertainty, written everywhere as
/// {"value","low","high","n","clusters","method"}.
struct Estimate {
  double value = 0, low = 0, high = 0;
  int64_t n = 0, clusters = 0;
  std::string method;
};

/// Wilson score interval, 95 %. 0/100 -> [0, .037]. n = 0: value 0, [0, 1].
Estimate wilson(int64_t successes, int64_t n);
Estimate clopper_pearson(int64_t successes, int64_t n);
/// Newcombe's interval for p1 - p2 from two Wilson intervals.
Estimate difference_of_proportions(int64_t x1, int64_t n1, int64_t x2, int64_t n2);

/// Cluster bootstrap, percentile 95 %. `statistic(weights)` gets one multiplicity per cluster and
/// recomputes the whole statistic (a ratio of sums, say). Fewer than 20 clusters: the t interval
/// over leave-one-out pseudo-values is used instead and `method` says so. Result does not depend on
/// the thread count.
using ClusterStatistic = std::function<double(std::span<const int32_t> multiplicity)>;
Estimate cluster_bootstrap(int64_t clusters, int64_t n_items, const ClusterStatistic& statistic,
                           uint64_t seed, int replicates = 2000);
/// The common case: ratio of sums, sum(numerator)/sum(denominator), per cluster sums given.
Estimate bootstrap_ratio(std::span<const double> numerator, std::span<const double> denominator,
                         int64_t n_items, uint64_t seed, int replicates = 2000);
/// Paired difference of two ratios on the same clusters and denominators: (a - b).
Estimate bootstrap_paired_ratio(std::span<const double> a, std::span<const double> b,
                                std::span<const double> denominator, int64_t n_items, uint64_t seed,
                                int replicates = 2000);

/// Two-sided p of a paired permutation test by sign flips of cluster differences: exact to 20
/// clusters, else `permutations` random flips with p = (1 + hits)/(1 + P).
double sign_flip_p(std::span<const double> cluster_differences, uint64_t seed,
                   int permutations = 9999);
/// Group permutation: labels permuted over whole groups; statistic(labels of the groups) larger =
/// more extreme.
double group_permutation_p(std::span<const int32_t> group_labels,
                           const std::function<double(std::span<const int32_t>)>& statistic,
                           uint64_t seed, int permutations = 999);

/// Benjamini-Hochberg: adjusted p-values in the order given.
std::vector<double> benjamini_hochberg(std::span<const double> p);
/// Exact two-sided McNemar for discordant counts b and c.
double mcnemar_p(int64_t b, int64_t c);

double normal_quantile(double p);
double student_t_quantile(double p, double df);
double binomial_cdf(int64_t k, int64_t n, double p);
/// Mid-rank AUROC; ties count half.
double auroc(std::span<const double> scores, std::span<const uint8_t> positive);
double spearman(std::span<const double> x, std::span<const double> y);
/// 2x2 counts -> Matthews correlation, 0 if a factor is 0.
double matthews(int64_t tp, int64_t fp, int64_t fn, int64_t tn);
double quantile(std::vector<double> values, double q);

}  // namespace otoscope
