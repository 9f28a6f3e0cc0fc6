#include "store/statistics.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"

namespace otoscope::store {
namespace {

constexpr int64_t kMedianRows = 32768;
constexpr int64_t kGrain = 512;  // rows a piece; fixed, as the order of summation hangs on it

struct Span {
  int64_t first, rows;
};

std::vector<Span> spans_of(const std::vector<Item>& items, bool train_only) {
  std::vector<Span> spans;
  for (const Item& item : items) {
    if (item.n_rows == 0 || (train_only && item.split != "train")) continue;
    if (!spans.empty() && spans.back().first + spans.back().rows == item.first_row)
      spans.back().rows += item.n_rows;
    else
      spans.push_back({item.first_row, item.n_rows});
  }
  return spans;
}

/// Sums over one batch of rows, piece by piece, the pieces added in their order.
struct Sums {
  explicit Sums(int64_t d) : mean(static_cast<size_t>(d)) {}
  std::vector<double> mean;
  double norm = 0, squared = 0;

  void add(View<const float> x) {
    const int64_t d = x.width(), pieces = (x.rows() + kGrain - 1) / kGrain;
    std::vector<Sums> parts(static_cast<size_t>(pieces), Sums(d));
    parallel_ranges(x.rows(), kGrain, [&](int64_t piece, int64_t begin, int64_t end) {
      Sums& part = parts[static_cast<size_t>(piece)];
      for (int64_t i = begin; i < end; ++i) {
        const float* row = x.row(i);
        double squares = 0;
        for (int64_t j = 0; j < d; ++j) {
          const double value = row[j];
          part.mean[static_cast<size_t>(j)] += value;
          squares += value * value;
        }
        part.norm += std::sqrt(squares);
        part.squared += squares;
      }
    });
    for (const Sums& part : parts) {
      for (size_t j = 0; j < mean.size(); ++j) mean[j] += part.mean[j];
      norm += part.norm;
      squared += part.squared;
    }
  }
};

}  // namespace

std::vector<float> geometric_median(View<const float> x) {
  const int64_t n = x.rows(), d = x.width(), pieces = (n + kGrain - 1) / kGrain;
  OTO_ASSERT(n > 0);
  std::vector<double> y(static_cast<size_t>(d));
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < d; ++j) y[static_cast<size_t>(j)] += x.at(i, j);
  for (double& value : y) value /= static_cast<double>(n);
  for (int step = 0; step < 100; ++step) {
    throw_if_interrupted();
    std::vector<std::vector<double>> sums(static_cast<size_t>(pieces));
    parallel_ranges(n, kGrain, [&](int64_t piece, int64_t begin, int64_t end) {
      std::vector<double>& sum = sums[static_cast<size_t>(piece)];
      sum.resize(static_cast<size_t>(d) + 1);  // the last entry is the sum of weights
      for (int64_t i = begin; i < end; ++i) {
        const float* row = x.row(i);
        double squares = 0;
        for (int64_t j = 0; j < d; ++j) {
          const double difference = row[j] - y[static_cast<size_t>(j)];
          squares += difference * difference;
        }
        const double weight = 1.0 / std::max(std::sqrt(squares), 1e-8);
        for (int64_t j = 0; j < d; ++j) sum[static_cast<size_t>(j)] += weight * row[j];
        sum.back() += weight;
      }
    });
    std::vector<double> total(static_cast<size_t>(d) + 1);
    for (const std::vector<double>& sum : sums)
      for (size_t j = 0; j < total.size(); ++j) total[j] += sum[j];
    double moved = 0, norm = 0;
    for (size_t j = 0; j < y.size(); ++j) {
      const double next = total[j] / total.back();
      moved += (next - y[j]) * (next - y[j]);
      norm += next * next;
      y[j] = next;
    }
    if (moved <= 1e-10 * norm) break;
  }
  return {y.begin(), y.end()};
}

Statistics gather_statistics(const RowSource& rows, const std::vector<Item>& items) {
  const int64_t d = rows.d();
  Statistics statistics;
  statistics.split = "train";
  std::vector<Span> spans = spans_of(items, true);
  if (spans.empty()) {
    statistics.split = "all";
    spans = spans_of(items, false);
  }
  for (const Span& span : spans) statistics.rows += span.rows;
  statistics.mean.assign(static_cast<size_t>(d), 0.0);
  statistics.geometric_median.assign(static_cast<size_t>(d), 0.0f);
  if (statistics.rows == 0) return statistics;

  constexpr int64_t kBatch = 16384;
  auto buffer = Tensor<float>::uninitialized({std::min(kBatch, statistics.rows), d});
  auto sample = Tensor<float>::uninitialized({std::min(kMedianRows, statistics.rows), d});
  int64_t sampled = 0;
  Sums sums(d);
  for (const Span& span : spans) {
    for (int64_t begin = 0; begin < span.rows; begin += kBatch) {
      throw_if_interrupted();
      const int64_t count = std::min(kBatch, span.rows - begin);
      const View<float> batch = buffer.view().slice(0, count);
      rows.read(span.first + begin, batch);
      sums.add(batch);
      const int64_t kept = std::min(count, sample.shape()[0] - sampled);
      std::copy_n(batch.data, kept * d, sample.data() + sampled * d);
      sampled += kept;
    }
  }
  const auto n = static_cast<double>(statistics.rows);
  double mean_squares = 0;
  for (size_t j = 0; j < sums.mean.size(); ++j) {
    statistics.mean[j] = sums.mean[j] / n;
    mean_squares += statistics.mean[j] * statistics.mean[j];
  }
  statistics.mean_norm = sums.norm / n;
  statistics.mean_squared_norm = sums.squared / n;
  // E||x - m||^2 = E||x||^2 - ||m||^2; sums in double keep 9 digits of it even for far-off means.
  statistics.variance = std::max(0.0, statistics.mean_squared_norm - mean_squares);
  statistics.geometric_median = geometric_median(sample.view());
  return statistics;
}

}  // namespace otoscope::store
