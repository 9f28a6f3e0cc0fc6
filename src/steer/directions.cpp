#include "otoscope/steer/directions.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::steer {
namespace {

constexpr double kRidge = 0.01;

std::vector<float> unit(const std::vector<double>& v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  OTO_ASSERT(squares > 0);
  std::vector<float> out;
  out.reserve(v.size());
  for (const double x : v) out.push_back(static_cast<float>(x / std::sqrt(squares)));
  return out;
}

}  // namespace

eval::Pca site_pca(const store::Store& store, int64_t rows) {
  return eval::fit_pca(eval::Sample::of_store(store, store::Split::train, rows));
}

std::vector<std::vector<float>> random_directions(int64_t d, int count, uint64_t seed) {
  std::vector<std::vector<float>> all;
  for (int c = 0; c < count; ++c) {
    Rng rng(seed, "direction " + std::to_string(c));
    std::vector<double> v(static_cast<size_t>(d));
    for (double& x : v) x = rng.normal();
    all.push_back(unit(v));
  }
  return all;
}

std::vector<std::vector<float>> random_principal_directions(const eval::Pca& pca, int components,
                                                            int count, uint64_t seed) {
  const int64_t d = pca.components.shape()[1];
  const int64_t k = std::min<int64_t>(components, pca.components.shape()[0]);
  std::vector<std::vector<float>> all;
  for (int c = 0; c < count; ++c) {
    Rng rng(seed, "principal direction " + std::to_string(c));
    std::vector<double> v(static_cast<size_t>(d));
    for (int64_t r = 0; r < k; ++r) {
      const double weight = rng.normal();
      for (int64_t i = 0; i < d; ++i)
        v[static_cast<size_t>(i)] += weight * static_cast<double>(pca.components.at(r, i));
    }
    all.push_back(unit(v));
  }
  return all;
}

std::vector<float> probe_direction(const eval::Pca& pca, std::span<const float> difference) {
  const int64_t d = pca.components.shape()[1];
  OTO_ASSERT(static_cast<int64_t>(difference.size()) == d);
  double mean = 0;
  for (const double v : pca.variance) mean += v / static_cast<double>(pca.variance.size());
  std::vector<double> probe(static_cast<size_t>(d));
  for (int64_t r = 0; r < pca.components.shape()[0]; ++r) {
    double along = 0;
    for (int64_t i = 0; i < d; ++i)
      along += static_cast<double>(pca.components.at(r, i)) *
               static_cast<double>(difference[static_cast<size_t>(i)]);
    along /= std::max(0.0, pca.variance[static_cast<size_t>(r)]) + kRidge * mean;
    for (int64_t i = 0; i < d; ++i)
      probe[static_cast<size_t>(i)] += along * static_cast<double>(pca.components.at(r, i));
  }
  return unit(probe);
}

}  // namespace otoscope::steer
