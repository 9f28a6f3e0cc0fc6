/// Every vjp against central differences of its forward, in double, with a random cotangent. A sum
/// as the objective would hide errors: softmax and LayerNorm do not change it.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/cpu/reference.h"
#include "otoscope/core/rng.h"

namespace otoscope::kernels {
namespace {

using Vector = std::vector<double>;

Vector random(int64_t n, const char* name) {
  Rng rng(31, name);
  Vector x(static_cast<size_t>(n));
  for (double& value : x) value = rng.normal();
  return x;
}

/// Truncation h^2 and rounding 2^-53/h, times what the curvature here can add.
constexpr double kStep = 1e-5;
const double kTolerance = 100 * (kStep * kStep + 0x1p-53 / kStep);

/// forward(x) -> y; checks dx against d<y, dy>/dx.
template <class Forward>
void check(Forward&& forward, Vector x, const Vector& dy, const Vector& dx) {
  double largest = 1;
  for (const double slope : dx) largest = std::fmax(largest, std::fabs(slope));
  for (size_t i = 0; i < x.size(); ++i) {
    const double middle = x[i];
    double difference = 0;
    for (const double side : {1.0, -1.0}) {
      x[i] = middle + side * kStep;
      const Vector y = forward(x);
      for (size_t j = 0; j < y.size(); ++j) difference += side * y[j] * dy[j];
    }
    x[i] = middle;
    CHECK(std::fabs(difference / (2 * kStep) - dx[i]) <= kTolerance * largest);
  }
}

}  // namespace

TEST_CASE("layer_norm_vjp agrees with central differences, with the scale free and frozen") {
  for (const int64_t d : {1, 2, 7, 33}) {
    const Vector x = random(d, "x"), gain = random(d, "gain"), bias = random(d, "bias");
    const Vector dy = random(d, "dy");
    Vector y(x.size()), dx(x.size());
    const double scale =
        reference::layer_norm_row(x.data(), gain.data(), bias.data(), d, 1e-5, y.data());
    reference::layer_norm_vjp_row(x.data(), gain.data(), scale, dy.data(), d, false, dx.data());
    // At d = 1 nothing but rounding, magnified by 1/sqrt(eps), is left.
    check(
        [&](const Vector& in) {
          Vector out(in.size());
          reference::layer_norm_row(in.data(), gain.data(), bias.data(), d, 1e-5, out.data());
          return out;
        },
        x, dy, dx);
    reference::layer_norm_vjp_row(x.data(), gain.data(), scale, dy.data(), d, true, dx.data());
    check(
        [&](const Vector& in) {
          double mean = 0;
          for (const double value : in) mean += value / static_cast<double>(d);
          Vector out(in.size());
          for (size_t i = 0; i < in.size(); ++i)
            out[i] = (in[i] - mean) * scale * gain[i] + bias[i];
          return out;
        },
        x, dy, dx);
  }
}

TEST_CASE("gelu_vjp agrees with central differences, with the gate free and frozen") {
  const Vector x = random(50, "x"), dy = random(50, "dy");
  Vector dx(x.size()), gate(x.size());
  for (size_t i = 0; i < x.size(); ++i) dx[i] = dy[i] * reference::gelu_slope(x[i], false);
  check(
      [](const Vector& in) {
        Vector out(in.size());
        for (size_t i = 0; i < in.size(); ++i) out[i] = reference::gelu(in[i]);
        return out;
      },
      x, dy, dx);
  for (size_t i = 0; i < x.size(); ++i) {
    gate[i] = reference::gelu(x[i]) / x[i];
    dx[i] = dy[i] * reference::gelu_slope(x[i], true);
  }
  check(
      [&](const Vector& in) {
        Vector out(in.size());
        for (size_t i = 0; i < in.size(); ++i) out[i] = in[i] * gate[i];
        return out;
      },
      x, dy, dx);
  CHECK(reference::gelu_slope(0.0, true) == 0.5);
}

TEST_CASE("softmax_vjp agrees with central differences") {
  for (const int64_t n : {1, 2, 13}) {
    const Vector x = random(n, "x"), dy = random(n, "dy");
    Vector y(x.size()), dx(x.size());
    CHECK(reference::softmax_row(x.data(), n, y.data()));
    reference::softmax_vjp_row(y.data(), dy.data(), n, dx.data());
    check(
        [&](const Vector& in) {
          Vector out(in.size());
          reference::softmax_row(in.data(), n, out.data());
          return out;
        },
        x, dy, dx);
  }
}

}  // namespace otoscope::kernels
