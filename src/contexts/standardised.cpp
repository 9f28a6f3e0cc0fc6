#include "contexts/standardised.h"

#include <cmath>

namespace otoscope::contexts {

Tensor<float> standardised(View<const float> x, std::vector<Column>& kept) {
  const int64_t n = x.shape[0], p = x.shape[1];
  std::vector<double> sum(static_cast<size_t>(p), 0), squares(static_cast<size_t>(p), 0);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < p; ++j) sum[static_cast<size_t>(j)] += static_cast<double>(x.at(i, j));
  for (double& s : sum) s /= static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < p; ++j) {
      const double centred = static_cast<double>(x.at(i, j)) - sum[static_cast<size_t>(j)];
      squares[static_cast<size_t>(j)] += centred * centred;
    }
  for (int64_t j = 0; j < p; ++j) {
    const auto at = static_cast<size_t>(j);
    const double deviation = std::sqrt(squares[at] / static_cast<double>(n));
    if (deviation > 1e-6 * std::fabs(sum[at])) kept.push_back({j, sum[at], deviation});
  }
  Tensor<float> z(Shape{n, static_cast<int64_t>(kept.size())});
  for (int64_t i = 0; i < n; ++i)
    for (size_t k = 0; k < kept.size(); ++k)
      z.at(i, static_cast<int64_t>(k)) = static_cast<float>(
          (static_cast<double>(x.at(i, kept[k].column)) - kept[k].mean) / kept[k].deviation);
  return z;
}

}  // namespace otoscope::contexts
