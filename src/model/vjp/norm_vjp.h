#pragma once
/// The norm's vjp with its scale as a value of its own, so that the scale can be read, written,
/// edited and frozen. A template, so that finite differences test the very code that runs.

#include <cmath>
#include <cstdint>

namespace otoscope::model {

/// y = (x - mean) scale gain + bias,  scale = 1/sqrt(var + eps).
template <class T>
struct NormRow {
  const T* x;
  const T* gain;
  int64_t d;

  T mean() const {
    double sum = 0;
    for (int64_t j = 0; j < d; ++j) sum += static_cast<double>(x[j]);
    return static_cast<T>(sum / static_cast<double>(d));
  }
  /// The scale before anybody edited it.
  double scale() const {
    const double center = static_cast<double>(mean());
    double sum = 0;
    for (int64_t j = 0; j < d; ++j) {
      const double delta = static_cast<double>(x[j]) - center;
      sum += delta * delta;
    }
    return 1.0 / std::sqrt(sum / static_cast<double>(d) + 1e-5);
  }
  /// d(scale) = sum_j dy_j gain_j (x_j - mean)
  T scale_gradient(const T* dy) const {
    const T center = mean();
    double sum = 0;
    for (int64_t j = 0; j < d; ++j) sum += static_cast<double>(dy[j] * gain[j] * (x[j] - center));
    return static_cast<T>(sum);
  }
  /// dx += the part through y with the scale held: used (dy gain - its mean), used being the scale
  /// that the forward used.
  void add_through_values(const T* dy, T used, T* dx) const {
    double sum = 0;
    for (int64_t j = 0; j < d; ++j) sum += static_cast<double>(dy[j] * gain[j]);
    const T center = static_cast<T>(sum / static_cast<double>(d));
    for (int64_t j = 0; j < d; ++j) dx[j] += used * (dy[j] * gain[j] - center);
  }
  /// dx += the part through the scale: dscale * (-scale^3 (x - mean) / d)
  void add_through_scale(T dscale, T* dx) const {
    const T center = mean();
    const double s = scale();
    const T factor =
        static_cast<T>(-static_cast<double>(dscale) * s * s * s / static_cast<double>(d));
    for (int64_t j = 0; j < d; ++j) dx[j] += factor * (x[j] - center);
  }
};

}  // namespace otoscope::model
