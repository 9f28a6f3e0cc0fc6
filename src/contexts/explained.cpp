#include "otoscope/contexts/explained.h"

#include <cmath>
#include <limits>
#include <map>
#include <mutex>

#include "contexts/cholesky.h"
#include "contexts/standardised.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"

namespace otoscope::contexts {
namespace {

constexpr double kRidge = 1e-3;

/// Products of [1, context, nuisances, y] with themselves, a group after the other: a draw of
/// groups is a weighted sum of these.
class Products {
 public:
  Products(View<const float> nuisances, View<const float> y, const Design& design)
      : k_(2 + nuisances.shape[1]), m_(y.shape[1]), groups_(design.groups) {
    by_group_ = Tensor<double>(Shape{groups_, width() * width()});
    std::vector<double> row(static_cast<size_t>(width()));
    for (int64_t i = 0; i < design.n(); ++i) {
      row[0] = 1;
      row[1] = design.context[static_cast<size_t>(i)];
      for (int64_t j = 2; j < k_; ++j)
        row[static_cast<size_t>(j)] = static_cast<double>(nuisances.at(i, j - 2));
      for (int64_t j = 0; j < m_; ++j)
        row[static_cast<size_t>(k_ + j)] = static_cast<double>(y.at(i, j));
      double* into = by_group_.view().row(design.group[static_cast<size_t>(i)]);
      for (int64_t a = 0; a < k_; ++a)  // the block of y with itself is never asked for
        for (int64_t b = 0; b < width(); ++b)
          into[a * width() + b] += row[static_cast<size_t>(a)] * row[static_cast<size_t>(b)];
    }
  }

  /// Coefficients of the context for every column of y: without nuisances, and beside them.
  struct Both {
    std::vector<double> raw, left;
  };
  Both fit(std::span<const int32_t> multiplicity) const {
    std::vector<double> sum(static_cast<size_t>(width() * width()), 0);
    for (int64_t g = 0; g < groups_; ++g) {
      const double weight = multiplicity[static_cast<size_t>(g)];
      if (weight == 0) continue;
      const double* of = by_group_.data() + g * width() * width();
      for (int64_t a = 0; a < k_ * width(); ++a) sum[static_cast<size_t>(a)] += weight * of[a];
    }
    return {solved(sum, 2), solved(sum, k_)};
  }

 private:
  int64_t width() const { return k_ + m_; }

  /// By the first `k` terms.
  std::vector<double> solved(const std::vector<double>& sum, int64_t k) const {
    const auto at = [&](int64_t a, int64_t b) { return sum[static_cast<size_t>(a * width() + b)]; };
    Tensor<double> A(Shape{k, k}), B(Shape{k, m_});
    for (int64_t a = 0; a < k; ++a) {
      for (int64_t b = 0; b < k; ++b) A.at(a, b) = at(a, b);
      if (a >= 2) A.at(a, a) += kRidge;
      for (int64_t j = 0; j < m_; ++j) B.at(a, j) = at(a, k_ + j);
    }
    std::vector<double> result(static_cast<size_t>(m_), std::numeric_limits<double>::quiet_NaN());
    if (!factor(A)) return result;  // a draw without one of the contexts
    solve(A, B);
    for (int64_t j = 0; j < m_; ++j) result[static_cast<size_t>(j)] = B.at(1, j);
    return result;
  }

  int64_t k_, m_, groups_;
  Tensor<double> by_group_;
};

}  // namespace

std::vector<Explained> explained_by(View<const float> nuisances, View<const float> y,
                                    const Design& design, const TestOptions& options) {
  OTO_ASSERT(nuisances.shape[0] == design.n() && y.shape[0] == design.n());
  std::vector<Column> kept, columns;
  const Tensor<float> z = standardised(nuisances, kept);
  const Tensor<float> own = standardised(y, columns);
  std::vector<Explained> result(static_cast<size_t>(y.shape[1]));
  for (Explained& one : result) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    one.raw = one.left = one.share = {nan, nan, nan, 0, 0, "a constant column"};
  }
  const Products products(z, own, design);
  // One fit a draw serves all columns: the bootstrap draws the same groups for each.
  std::map<std::vector<int32_t>, Products::Both> fits;
  std::mutex mutex;
  const auto fit_of = [&](std::span<const int32_t> multiplicity) -> const Products::Both& {
    std::vector<int32_t> key(multiplicity.begin(), multiplicity.end());
    {
      const std::lock_guard lock(mutex);
      if (const auto found = fits.find(key); found != fits.end()) return found->second;
    }
    Products::Both both = products.fit(multiplicity);
    const std::lock_guard lock(mutex);
    return fits.try_emplace(std::move(key), std::move(both)).first->second;
  };
  throw_if_interrupted();
  for (size_t j = 0; j < columns.size(); ++j) {
    const auto estimate = [&](auto&& of) {
      return cluster_bootstrap(
          design.groups, design.n(),
          [&](std::span<const int32_t> multiplicity) { return of(fit_of(multiplicity)); },
          options.seed, options.replicates);
    };
    Explained& one = result[static_cast<size_t>(columns[j].column)];
    one.raw = estimate([&](const Products::Both& b) { return b.raw[j]; });
    one.left = estimate([&](const Products::Both& b) { return b.left[j]; });
    one.share = estimate([&](const Products::Both& b) { return b.left[j] / b.raw[j]; });
  }
  return result;
}

}  // namespace otoscope::contexts
