#include "otoscope/eval/fidelity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "eval/accumulate.h"
#include "otoscope/core/statistics.h"

namespace otoscope::eval {
namespace {

constexpr int kDeciles = 10;
constexpr size_t kTopCoordinates = 10;
constexpr int kHistogramBins = 50;

/// Rank by energy -> decile of each row, equal counts, ties by row number.
std::vector<uint8_t> energy_deciles(const std::vector<double>& squares) {
  std::vector<size_t> order(squares.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return squares[a] < squares[b]; });
  std::vector<uint8_t> decile(squares.size());
  for (size_t rank = 0; rank < order.size(); ++rank)
    decile[order[rank]] = static_cast<uint8_t>(rank * kDeciles / order.size());
  return decile;
}

/// The value that a share q of the rows does not exceed.
int64_t histogram_quantile(const std::vector<int64_t>& counts, double q) {
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  const auto wanted = static_cast<int64_t>(std::ceil(q * static_cast<double>(total)));
  int64_t seen = 0;
  for (size_t value = 0; value < counts.size(); ++value)
    if ((seen += counts[value]) >= std::max<int64_t>(wanted, 1)) return static_cast<int64_t>(value);
  return 0;
}

void describe_rates(Fidelity& out) {
  const double n = static_cast<double>(out.rows), F = static_cast<double>(out.features);
  out.rate_histogram.assign(kHistogramBins, 0);
  if (out.features == 0 || out.rows == 0) return;
  for (const int64_t count : out.fired) {
    const double rate = static_cast<double>(count) / n;
    out.dead += count == 0 ? 1 / F : 0;
    out.dense += rate > .1 ? 1 / F : 0;
    out.always += rate > .5 ? 1 / F : 0;
    const double place = (std::log10(rate + 1e-10) + 10) / 10 * kHistogramBins;
    const int bin = std::clamp(static_cast<int>(std::floor(place)), 0, kHistogramBins - 1);
    ++out.rate_histogram[static_cast<size_t>(bin)];
  }
}

double without_top_variance(const Accumulator& sums, const Moments& moments) {
  std::vector<size_t> order(moments.coordinate_variance.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return moments.coordinate_variance[a] > moments.coordinate_variance[b];
  });
  double residual = 0, scatter = 0;
  for (size_t i = kTopCoordinates; i < order.size(); ++i) {
    residual += sums.coordinate_squares[order[i]];
    scatter += moments.coordinate_variance[order[i]] * static_cast<double>(moments.rows);
  }
  return scatter == 0 ? 0.0 : 1 - residual / scatter;
}

}  // namespace

Estimate fvu_of(const std::vector<double>& residual, const Moments& moments,
                const FidelityOptions& options) {
  return cluster_bootstrap(
      static_cast<int64_t>(residual.size()), moments.rows,
      [&](std::span<const int32_t> m) {
        double sum = 0;
        for (size_t c = 0; c < m.size(); ++c) sum += m[c] * residual[c];
        return sum / moments.scatter(m);
      },
      options.seed, options.replicates);
}

Fidelity measure_fidelity(const Reconstructor& model, const Sample& x, const Sample& y,
                          const Moments& moments, const FidelityOptions& options,
                          Progress& progress) {
  if (model.d_out() != y.d())
    throw UserError("eval",
                    "expected reconstructions of width " + std::to_string(y.d()) + ", got " +
                        std::to_string(model.d_out()),
                    "the SAE belongs to another site or model");
  if (x.rows() == 0)
    throw UserError("eval", "expected rows to measure on, got none", "choose another --split");
  OTO_ASSERT(x.rows() == y.rows() && moments.rows == y.rows());

  const Part* speech = options.speech;
  Accumulator sums(model, y, moments, energy_deciles(moments.row_squares),
                   speech != nullptr ? speech->rows : std::vector<int64_t>());
  sums.run(x, y, options.batch, progress);

  Fidelity out;
  out.rows = y.rows();
  out.items = y.items();
  out.clusters = y.clusters();
  const int64_t n = out.rows;
  const auto ratio = [&](const std::vector<double>& a, const std::vector<double>& b) {
    return bootstrap_ratio(a, b, n, options.seed, options.replicates);
  };
  const auto& rows = moments.cluster_rows;
  out.fvu = fvu_of(sums.residual, moments, options);
  out.mse = ratio(sums.residual, rows);
  out.nmse = ratio(sums.residual, moments.cluster_squares);
  out.cosine = ratio(sums.cosine, rows);
  out.l2_ratio = ratio(sums.l2_ratio, rows);
  out.bias = ratio(sums.xhat_squares, sums.product);
  out.l0 = ratio(sums.l0, rows);
  out.l1 = ratio(sums.l1, rows);

  if (speech != nullptr && !speech->rows.empty()) {
    const Moments& those = speech->moments;
    out.speech = PartFidelity{those.rows, fvu_of(sums.part_residual, those, options),
                              bootstrap_ratio(sums.part_l0, those.cluster_rows, those.rows,
                                              options.seed, options.replicates)};
  }

  double offset = 0;
  const double residual = std::accumulate(sums.residual.begin(), sums.residual.end(), 0.0);
  for (const double sum : sums.coordinate_sums) offset += sum * sum / static_cast<double>(n);
  const double scatter = moments.variance * static_cast<double>(n);
  out.ev_var = scatter == 0 ? 0.0 : 1 - (residual - offset) / scatter;
  out.ev_token_legacy = sums.token_ev / static_cast<double>(n);
  out.ev_without_top_variance = without_top_variance(sums, moments);
  std::vector<double> by_cluster;
  for (size_t c = 0; c < sums.residual.size(); ++c)
    if (sums.scatter[c] > 0) by_cluster.push_back(sums.residual[c] / sums.scatter[c]);
  out.fvu_cluster_median = by_cluster.empty() ? 0.0 : quantile(by_cluster, 0.5);

  out.l0_quantiles = {histogram_quantile(sums.l0_counts, .05),
                      histogram_quantile(sums.l0_counts, .5),
                      histogram_quantile(sums.l0_counts, .95)};
  for (size_t decile = 0; decile < kDeciles; ++decile) {
    const double count = sums.decile_rows[decile];
    out.l0_by_energy.push_back(count == 0 ? 0.0 : sums.decile_l0[decile] / count);
    const double spread = sums.decile_scatter[decile];
    out.fvu_by_energy.push_back(spread == 0 ? 0.0 : sums.decile_residual[decile] / spread);
  }
  out.features = model.features();
  out.fired = std::move(sums.fired);
  describe_rates(out);
  return out;
}

}  // namespace otoscope::eval
