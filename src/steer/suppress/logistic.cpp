/// Ridge logistic regression by Newton's method, in double.
#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/steer/detector.h"

namespace otoscope::steer {
namespace {

constexpr int kMostSteps = 50;

/// Solves A x = b for a symmetric positive definite A (n, n), row by row, by its Cholesky factor.
/// Both are overwritten; b becomes x.
void solve(std::vector<double>& A, std::vector<double>& b) {
  const size_t n = b.size();
  for (size_t j = 0; j < n; ++j) {
    double* row = &A[j * n];
    for (size_t i = 0; i <= j; ++i) {
      const double* other = &A[i * n];
      double sum = row[i];
      for (size_t k = 0; k < i; ++k) sum -= row[k] * other[k];
      row[i] = i == j ? std::sqrt(std::max(sum, 1e-300)) : sum / other[i];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= A[i * n + k] * b[k];
    b[i] /= A[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= A[k * n + i] * b[k];
    b[i] /= A[i * n + i];
  }
}

struct Columns {
  std::vector<double> mean, scale;  // scale: 1 / standard deviation, 0 for a constant column
};

Columns columns_of(std::span<const double> x, size_t p) {
  const size_t n = x.size() / p;
  Columns columns{std::vector<double>(p, 0), std::vector<double>(p, 0)};
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < p; ++j) columns.mean[j] += x[i * p + j] / static_cast<double>(n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < p; ++j) {
      const double centred = x[i * p + j] - columns.mean[j];
      columns.scale[j] += centred * centred / static_cast<double>(n);
    }
  for (double& s : columns.scale) s = s > 1e-24 ? 1 / std::sqrt(s) : 0;
  return columns;
}

}  // namespace

double Logistic::score(std::span<const double> x) const {
  double sum = bias;
  for (size_t j = 0; j < weights.size(); ++j) sum += weights[j] * x[j];
  return sum;
}

Logistic fit_logistic(std::span<const double> x, int64_t p, std::span<const uint8_t> y,
                      double ridge) {
  const auto width = static_cast<size_t>(p);
  const size_t n = y.size();
  OTO_ASSERT(p > 0 && n > 0 && x.size() == n * width && ridge > 0);
  const Columns columns = columns_of(x, width);
  const auto positives =
      static_cast<double>(std::count_if(y.begin(), y.end(), [](uint8_t v) { return v != 0; }));
  const double negatives = static_cast<double>(n) - positives;
  // Equal weight of the classes, weights of all windows sum to 1.
  const double of_positive = positives > 0 ? .5 / positives : 0,
               of_negative = negatives > 0 ? .5 / negatives : 0;

  const size_t size = width + 1;  // the bias last
  std::vector<double> z(n * size);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < width; ++j)
      z[i * size + j] = (x[i * width + j] - columns.mean[j]) * columns.scale[j];
    z[i * size + width] = 1;
  }
  std::vector<double> beta(size, 0);
  for (int step = 0; step < kMostSteps; ++step) {
    std::vector<double> hessian(size * size, 0), gradient(size, 0);
    for (size_t i = 0; i < n; ++i) {
      const double* row = &z[i * size];
      double score = 0;
      for (size_t j = 0; j < size; ++j) score += row[j] * beta[j];
      const double probability = 1 / (1 + std::exp(-score));
      const double weight = y[i] != 0 ? of_positive : of_negative;
      const double miss = weight * ((y[i] != 0 ? 1.0 : 0.0) - probability);
      const double curve = weight * std::max(probability * (1 - probability), 1e-9);
      for (size_t j = 0; j < size; ++j) {
        gradient[j] += miss * row[j];
        const double scaled = curve * row[j];
        double* out = &hessian[j * size];
        for (size_t k = 0; k <= j; ++k) out[k] += scaled * row[k];
      }
    }
    for (size_t j = 0; j < width; ++j) {
      gradient[j] -= ridge * beta[j];
      hessian[j * size + j] += ridge;
    }
    hessian[width * size + width] += 1e-12;
    double largest = 0;
    solve(hessian, gradient);
    for (size_t j = 0; j < size; ++j) {
      const double change = std::clamp(gradient[j], -8.0, 8.0);
      beta[j] += change;
      largest = std::max(largest, std::abs(change));
    }
    if (largest < 1e-8) break;
  }
  Logistic model;
  model.bias = beta[width];
  for (size_t j = 0; j < width; ++j) {
    model.weights.push_back(beta[j] * columns.scale[j]);
    model.bias -= model.weights[j] * columns.mean[j];
  }
  return model;
}

}  // namespace otoscope::steer
