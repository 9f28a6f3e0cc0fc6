#pragma once
/// How well xhat stands for x, and how sparsely (methods.md §3.1). Raw units, sums in double, the
/// same digits for any batch size.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/eval/reconstructor.h"
#include "otoscope/eval/sample.h"

namespace otoscope::eval {

/// The same over some of the rows.
struct PartFidelity {
  int64_t rows = 0;
  Estimate fvu;  // mu the mean of these rows
  Estimate l0;
};

struct Fidelity {
  int64_t rows = 0, items = 0, clusters = 0;

  // With r = y - xhat, y the target (x itself unless the SAE is a transcoder).
  Estimate fvu;       // sum ||r||^2 / sum ||y - mu||^2, mu the mean of the same rows
  Estimate mse;       // mean ||r||^2, summed over coordinates
  Estimate nmse;      // sum ||r||^2 / sum ||y||^2
  Estimate cosine;    // mean <y, xhat> / (||y|| ||xhat||), 0 where a norm is 0
  Estimate l2_ratio;  // mean ||xhat|| / ||y||
  Estimate bias;      // sum ||xhat||^2 / sum <y, xhat>: 1 = no shrinkage
  Estimate l0;        // mean number of features that fire
  Estimate l1;        // mean sum_j f_j ||d_j||

  // What other toolkits print as explained variance.
  double ev_var = 0;           // 1 - sum_j Var(r_j) / sum_j Var(y_j): blind to a constant offset
  double ev_token_legacy = 0;  // mean of 1 - ||r||^2 / ||y - mu||^2 per row
  /// 1 - FVU without the 10 coordinates of largest variance.
  double ev_without_top_variance = 0;
  /// Median over clusters of sum ||r||^2 / sum ||y - mu||^2, mu as above.
  double fvu_cluster_median = 0;

  std::optional<PartFidelity> speech;  // of FidelityOptions::speech

  std::array<int64_t, 3> l0_quantiles{};  // 5, 50, 95 %
  std::vector<double> l0_by_energy;       // mean L0 in each decile of ||x||^2
  std::vector<double> fvu_by_energy;      // FVU in each decile, about the common mu

  int64_t features = 0;
  double dead = 0;                      // share of features that never fired in these rows
  double dense = 0;                     // share with firing rate > .1
  double always = 0;                    // share with firing rate > .5
  std::vector<int64_t> fired;           // (F): rows in which each feature fired
  std::vector<int64_t> rate_histogram;  // 50 bins of log10(rate + 1e-10) over [-10, 0]
};

/// Rows that are also measured by themselves.
struct Part {
  std::vector<int64_t> rows;  // positions in the sample, ascending
  Moments moments;            // of y's rows there
};

struct FidelityOptions {
  int64_t batch = 4096;
  uint64_t seed = 0;
  int replicates = 2000;
  const Part* speech = nullptr;
};

/// x and y are row-aligned samples (the same object for an SAE; two sites of one extraction for a
/// transcoder). moments are y's. Widths that do not fit: UserError.
Fidelity measure_fidelity(const Reconstructor& model, const Sample& x, const Sample& y,
                          const Moments& moments, const FidelityOptions& options = {},
                          Progress& progress = silent_progress());

/// sum ||r||^2 / sum ||y - mu||^2 with its interval. residual: (C), per cluster.
Estimate fvu_of(const std::vector<double>& residual, const Moments& moments,
                const FidelityOptions& options);

}  // namespace otoscope::eval
