#include "sae/normalize.h"

#include <cmath>

namespace otoscope::sae {

RowScale normalize_row(Normalize how, const float* x, int64_t d, float* out) {
  double multiply = 1.0, add = 0.0, divide = 1.0;
  if (how == Normalize::constant_norm_rescale) {
    double squares = 0.0;
    for (int64_t i = 0; i < d; ++i) squares += static_cast<double>(x[i]) * x[i];
    const double norm = std::sqrt(squares);
    // A silent row stays zero instead of becoming NaN.
    divide = multiply = norm > 0 ? norm / std::sqrt(static_cast<double>(d)) : 1.0;
  } else if (how == Normalize::layer_norm) {
    for (int64_t i = 0; i < d; ++i) add += x[i];
    add /= static_cast<double>(d);
    double squares = 0.0;
    for (int64_t i = 0; i < d; ++i) squares += (x[i] - add) * (x[i] - add);
    multiply = d > 1 ? std::sqrt(squares / static_cast<double>(d - 1)) : 0.0;
    divide = multiply + 1e-5;
  }
  if (out != nullptr)
    for (int64_t i = 0; i < d; ++i) out[i] = static_cast<float>((x[i] - add) / divide);
  return {static_cast<float>(multiply), static_cast<float>(add)};
}

}  // namespace otoscope::sae
