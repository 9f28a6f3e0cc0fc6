#include "otoscope/eval/sample.h"

#include <algorithm>
#include <numeric>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"

namespace otoscope::eval {

Sample Sample::of_matrix(View<const float> x, std::vector<int32_t> cluster) {
  Sample sample;
  sample.d_ = x.width();
  if (cluster.empty())
    for (int64_t i = 0; i < x.rows(); ++i) cluster.push_back(static_cast<int32_t>(i));
  OTO_ASSERT(static_cast<int64_t>(cluster.size()) == x.rows());
  sample.items_ = x.rows();
  sample.clusters_ = cluster.empty() ? 0 : *std::max_element(cluster.begin(), cluster.end()) + 1;
  sample.cluster_ = std::move(cluster);
  sample.gather_ = [x](const std::vector<int64_t>& rows, View<float> out) {
    for (size_t i = 0; i < rows.size(); ++i)
      std::copy_n(x.row(rows[i]), x.width(), out.row(static_cast<int64_t>(i)));
  };
  return sample;
}

void Sample::read(int64_t first, View<float> out) const {
  std::vector<int64_t> rows(static_cast<size_t>(out.shape[0]));
  std::iota(rows.begin(), rows.end(), first);
  gather_(rows, out);
}

void for_each_block(const Sample& sample, int64_t block,
                    const std::function<void(int64_t, View<const float>)>& visit) {
  Tensor<float> buffer(Shape{std::min(block, sample.rows()), sample.d()});
  for (int64_t first = 0; first < sample.rows(); first += block) {
    throw_if_interrupted();
    const View<float> x = buffer.view().slice(0, std::min(block, sample.rows() - first));
    sample.read(first, x);
    visit(first, x);
  }
}

double Moments::scatter(std::span<const int32_t> multiplicity) const {
  double count = 0, squares = 0;
  std::vector<double> sums(static_cast<size_t>(d), 0.0);
  for (size_t c = 0; c < multiplicity.size(); ++c) {
    if (multiplicity[c] == 0) continue;
    const double times = multiplicity[c];
    count += times * cluster_rows[c];
    squares += times * cluster_squares[c];
    const double* sum = cluster_sums.data() + c * sums.size();
    for (size_t j = 0; j < sums.size(); ++j) sums[j] += times * sum[j];
  }
  double of_mean = 0;
  for (const double sum : sums) of_mean += sum * sum;
  return count == 0 ? 0.0 : std::max(0.0, squares - of_mean / count);
}

Moments moments_of(const Sample& sample, const std::vector<int64_t>& only) {
  const auto d = static_cast<size_t>(sample.d());
  const auto clusters = static_cast<size_t>(sample.clusters());
  Moments m;
  m.rows = only.empty() ? sample.rows() : static_cast<int64_t>(only.size());
  m.d = sample.d();
  m.mean.assign(d, 0.0);
  m.coordinate_variance.assign(d, 0.0);
  m.cluster_rows.assign(clusters, 0.0);
  m.cluster_squares.assign(clusters, 0.0);
  m.cluster_sums.assign(clusters * d, 0.0);
  m.row_squares.resize(static_cast<size_t>(sample.rows()));
  if (m.rows == 0) return m;
  std::vector<uint8_t> counts(static_cast<size_t>(sample.rows()), only.empty() ? 1 : 0);
  for (const int64_t row : only) counts[static_cast<size_t>(row)] = 1;

  // Sums run over rows in order within each coordinate: any block size gives the same digits.
  std::vector<double> squares(d, 0.0);
  for_each_block(sample, 4096, [&](int64_t first, View<const float> x) {
    const int32_t* cluster = sample.cluster().data() + first;
    const uint8_t* counted = counts.data() + first;
    parallel_ranges(x.rows(), 256, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        double square = 0;
        for (int64_t j = 0; j < x.width(); ++j)
          square += static_cast<double>(x.at(b, j)) * x.at(b, j);
        m.row_squares[static_cast<size_t>(first + b)] = square;
      }
    });
    parallel_ranges(x.width(), 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = 0; b < x.rows(); ++b) {
        if (counted[b] == 0) continue;
        double* sums = m.cluster_sums.data() + static_cast<size_t>(cluster[b]) * d;
        for (int64_t j = begin; j < end; ++j) {
          const double value = x.at(b, j);
          sums[j] += value;
          squares[static_cast<size_t>(j)] += value * value;
        }
      }
    });
    for (int64_t b = 0; b < x.rows(); ++b) {
      if (counted[b] == 0) continue;
      const auto c = static_cast<size_t>(cluster[b]);
      m.cluster_rows[c] += 1;
      m.cluster_squares[c] += m.row_squares[static_cast<size_t>(first + b)];
    }
  });

  const double n = static_cast<double>(m.rows);
  for (size_t c = 0; c < clusters; ++c)
    for (size_t j = 0; j < d; ++j) m.mean[j] += m.cluster_sums[c * d + j];
  for (size_t j = 0; j < d; ++j) {
    m.mean[j] /= n;
    m.squared_norm += squares[j] / n;
    m.coordinate_variance[j] = std::max(0.0, squares[j] / n - m.mean[j] * m.mean[j]);
    m.variance += m.coordinate_variance[j];
  }
  return m;
}

}  // namespace otoscope::eval
