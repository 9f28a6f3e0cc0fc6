#include "otoscope/kernels/elementwise.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/elementwise_table.h"
#include "kernels/cpu/reference.h"
#include "kernels/levels.h"
#include "otoscope/core/half.h"
#include "otoscope/core/threads.h"
#include "support/close.h"
#include "support/denormals.h"

namespace otoscope::kernels {
namespace {

using Doubles = std::vector<double>;

constexpr double kUnit = 0x1p-24;  // rounding of one fp32 operation
const int64_t kWidths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 127, 512, 1500};

Doubles doubles(const float* x, int64_t n) { return {x, x + n}; }

/// Every |got - want| <= tolerance, in a form that NaN fails.
void check_row(const float* got, const Doubles& want, const Doubles& tolerance) {
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::fabs(static_cast<double>(got[i]) - want[i]) <= tolerance[i]) continue;
    CAPTURE(i);
    CAPTURE(want.size());
    CAPTURE(got[i]);
    CAPTURE(want[i]);
    CAPTURE(tolerance[i]);
    FAIL_CHECK("differs by more than rounding");
    return;
  }
}

}  // namespace

TEST_CASE("layer_norm and its vjp equal the reference in double at every level") {
  at_each_level([] {
    for (const int64_t d : kWidths) {
      const int64_t rows = 3;
      auto x = normals(Shape{rows, d}, "x", 2);
      for (int64_t i = 0; i < d; ++i) x.at(2, i) += 100;  // a mean far from zero
      const auto gain = normals(Shape{d}, "gain"), bias = normals(Shape{d}, "bias");
      const auto dy = normals(Shape{rows, d}, "dy");
      Tensor<float> y(Shape{rows, d}), scale(Shape{rows}), dx(Shape{rows, d});
      layer_norm(x, gain, bias, y, scale);
      for (const bool frozen : {false, true}) {
        layer_norm_vjp(x, gain, scale, dy, dx, frozen);
        for (int64_t r = 0; r < rows; ++r) {
          const Doubles row = doubles(x.view().row(r), d), g = doubles(gain.data(), d);
          const Doubles b = doubles(bias.data(), d), cotangent = doubles(dy.view().row(r), d);
          Doubles want(row.size()), dwant(row.size()), tolerance(row.size());
          const double want_scale =
              reference::layer_norm_row(row.data(), g.data(), b.data(), d, 1e-5, want.data());
          // The mean is off by gamma(d) max|x|, which the scale magnifies; h = (x - mean) scale.
          double most = 0, most_q = 0, most_h = 0;
          for (size_t i = 0; i < row.size(); ++i) {
            most = std::fmax(most, std::fabs(row[i]));
            most_q = std::fmax(most_q, std::fabs(g[i] * cotangent[i]));
            most_h = std::fmax(most_h, std::fabs((want[i] - b[i]) / g[i]));
          }
          const double n = static_cast<double>(d) + 8;
          const double off_mean = n * kUnit * most * want_scale;
          // A shifted mean adds off_mean^2 to the variance, rounding adds n units.
          const double off_scale = n * kUnit + off_mean * off_mean;
          CHECK(std::fabs(scale[r] - want_scale) <= off_scale * want_scale);
          const double off_h = off_mean + (off_scale + 4 * kUnit) * most_h;
          for (size_t i = 0; i < row.size(); ++i)
            tolerance[i] =
                off_h * std::fabs(g[i]) + 4 * kUnit * (std::fabs(want[i]) + std::fabs(b[i]));
          check_row(y.view().row(r), want, tolerance);
          reference::layer_norm_vjp_row(row.data(), g.data(), want_scale, cotangent.data(), d,
                                        frozen, dwant.data());
          const double size = want_scale * most_q * (2 + most_h * most_h);
          const double off =
              size * (2 * n * kUnit + off_scale) + want_scale * most_q * 3 * off_h * (1 + most_h);
          check_row(dx.view().row(r), dwant, Doubles(row.size(), off));
        }
      }
    }
  });
}

TEST_CASE("gelu and its vjp stay within rounding of the exact form over all of float") {
  const otoscope::testing::WithDenormals denormals;
  at_each_level([] {
    std::vector<float> points;
    for (float x = -16; x <= 16; x += 0x1p-9f) points.push_back(x);
    for (int e = -149; e < 128; ++e) {
      points.push_back(std::ldexp(1.0f, e));
      points.push_back(-std::ldexp(1.37f, e));
    }
    points.push_back(-0.0f);
    const auto n = static_cast<int64_t>(points.size());
    const View<const float> x(points.data(), Shape{n});
    const auto dy = normals(Shape{n}, "dy");
    Tensor<float> y(Shape{n}), dx(Shape{n}), gate(Shape{n});
    gelu(x, y);
    gelu_vjp(x, dy, dx);
    gelu_vjp(x, dy, gate, true);
    double worst = 0, worst_slope = 0, worst_gate = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double at = x[i], want = reference::gelu(at);
      // Phi(-t) = exp(-t^2/2) R(t): rounding t/sqrt 2 twice, as erfc does, moves the exponent by
      // 2 t^2 units; the rest is 12.
      const double relative = kUnit * (12 + 2 * at * at);
      const double below = std::fmin(reference::normal_cdf(at), reference::normal_cdf(-at));
      const double off_cdf = relative * below + 2 * kUnit * reference::normal_cdf(at) + 0x1p-148;
      const double error = std::fabs(y[i] - want);
      if (!(error <= off_cdf * std::fmax(std::fabs(at), 1.0))) {
        CAPTURE(at);
        CAPTURE(y[i]);
        CAPTURE(want);
        FAIL_CHECK("gelu");
      }
      worst = std::fmax(worst, error / std::fmax(1.0, std::fabs(at)));
      const double bell = std::fabs(reference::gelu_slope(at, false) - reference::normal_cdf(at));
      const double slope_error = std::fabs(dx[i] - dy[i] * reference::gelu_slope(at, false));
      const double gate_error = std::fabs(gate[i] - dy[i] * reference::gelu_slope(at, true));
      const double size = std::fabs(static_cast<double>(dy[i]));
      if (!(slope_error <= size * (off_cdf + relative * bell + 3 * kUnit))) {
        CAPTURE(at);
        CAPTURE(dx[i]);
        FAIL_CHECK("slope");
      }
      if (!(gate_error <= size * (off_cdf + 2 * kUnit))) {
        CAPTURE(at);
        CAPTURE(gate[i]);
        FAIL_CHECK("gate");
      }
      worst_slope = std::fmax(worst_slope, slope_error / size);
      worst_gate = std::fmax(worst_gate, gate_error / size);
    }
    CHECK(worst <= 2e-7);  // what the header promises
    CHECK(worst_slope <= 2e-7);
    CHECK(worst_gate <= 2e-7);
  });
}

TEST_CASE("gelu at infinity and NaN") {
  at_each_level([] {
    const float points[] = {INFINITY, -INFINITY, NAN, 0, 1e30f, -1e30f, 3, NAN, 2};
    const View<const float> x(points, Shape{9});
    Tensor<float> y(Shape{9}), one(Shape{9}), dx(Shape{9});
    for (int64_t i = 0; i < 9; ++i) one[i] = 1;
    gelu(x, y);
    CHECK(y[0] == INFINITY);
    CHECK(y[1] == 0);
    CHECK(std::isnan(y[2]));
    CHECK(y[3] == 0);
    CHECK(y[4] == 1e30f);
    CHECK(y[5] == 0);
    CHECK(std::isnan(y[7]));
    for (const bool frozen : {false, true}) {
      gelu_vjp(x, one, dx, frozen);
      CHECK(dx[0] == 1);
      CHECK(dx[1] == 0);
      CHECK(std::isnan(dx[2]));
      CHECK(dx[3] == 0.5f);
      CHECK(dx[4] == 1);
      CHECK(dx[5] == 0);
      CHECK(std::isnan(dx[7]));
    }
  });
}

TEST_CASE("gelu's tail ends in zero, not in numbers that cost hundreds of cycles") {
  at_each_level([] {
    std::vector<float> points;
    for (float x = -16; x <= -12; x += 0x1p-9f) points.push_back(x);
    const auto n = static_cast<int64_t>(points.size());
    Tensor<float> y(Shape{n});
    gelu(View<const float>(points.data(), Shape{n}), y);
    for (int64_t i = 0; i < n; ++i) {
      const double want = reference::gelu(points[static_cast<size_t>(i)]);
      CAPTURE(points[static_cast<size_t>(i)]);
      CHECK(std::fabs(y[i] - want) <= std::fabs(want) * 0x1p-12 + 0x1p-125);
      CHECK((y[i] == 0 || std::fabs(y[i]) >= std::numeric_limits<float>::min()));
    }
  });
}

TEST_CASE("softmax, its vjp and log_softmax equal the reference in double at every level") {
  const otoscope::testing::WithDenormals denormals;
  at_each_level([] {
    for (const int64_t n : kWidths)
      for (const double spread : {1.0, 30.0}) {
        const int64_t rows = 3;
        auto x = normals(Shape{rows, n}, "x", spread);
        if (n > 3) x.at(1, n - 1) = -INFINITY, x.at(1, 0) = -INFINITY;
        const auto dy = normals(Shape{rows, n}, "dy");
        Tensor<float> y(Shape{rows, n}), logs(Shape{rows, n}), dx(Shape{rows, n});
        softmax(x, y);
        log_softmax(x, logs);
        softmax_vjp(y, dy, dx);
        for (int64_t r = 0; r < rows; ++r) {
          const Doubles row = doubles(x.view().row(r), n);
          Doubles want(row.size()), want_logs(row.size()), tolerance(row.size());
          reference::softmax_row(row.data(), n, want.data());
          reference::log_softmax_row(row.data(), n, want_logs.data());
          const double most = reference::largest(row.data(), n);
          const double count = static_cast<double>(n);
          // x - max is rounded once (|x - max| units); exp 2 ulp = 4 units; the sum n units.
          for (size_t i = 0; i < row.size(); ++i) {
            const double distance = std::isinf(row[i]) ? 0 : std::fabs(row[i] - most);
            tolerance[i] = want[i] * kUnit * (distance + 2 * count + 40) + 0x1p-148;
          }
          check_row(y.view().row(r), want, tolerance);
          for (size_t i = 0; i < row.size(); ++i) {
            if (std::isinf(row[i])) {
              CHECK(logs.at(r, static_cast<int64_t>(i)) == -INFINITY);
              want_logs[i] = 0;
              tolerance[i] = INFINITY;
              logs.at(r, static_cast<int64_t>(i)) = 0;
              continue;
            }
            tolerance[i] = kUnit * (std::fabs(row[i]) + std::fabs(most) + std::fabs(want_logs[i]) +
                                    2 * count + 40);
          }
          check_row(logs.view().row(r), want_logs, tolerance);
          const Doubles used = doubles(y.view().row(r), n),
                        cotangent = doubles(dy.view().row(r), n);
          Doubles dwant(row.size());
          reference::softmax_vjp_row(used.data(), cotangent.data(), n, dwant.data());
          double inner = 0;
          for (size_t i = 0; i < row.size(); ++i) inner += std::fabs(used[i] * cotangent[i]);
          for (size_t i = 0; i < row.size(); ++i)
            tolerance[i] = used[i] * (testing::dot_tolerance(n + 3, inner) +
                                      4 * kUnit * (std::fabs(cotangent[i]) + inner)) +
                           0x1p-148;
          check_row(dx.view().row(r), dwant, tolerance);
        }
      }
  });
}

TEST_CASE("softmax in place, with one number among -inf, with NaN, and far below zero") {
  at_each_level([] {
    Tensor<float> x(Shape{4, 35});
    for (int64_t i = 0; i < 35; ++i) {
      x.at(0, i) = i == 33 ? -7.0f : -INFINITY;
      x.at(1, i) = static_cast<float>(i);
      x.at(2, i) = i == 3 ? NAN : -INFINITY;
      x.at(3, i) = -1e30f;
    }
    x.at(1, 20) = NAN;
    softmax(x, x);
    for (int64_t i = 0; i < 35; ++i) {
      CHECK(x.at(0, i) == (i == 33 ? 1.0f : 0.0f));
      CHECK(std::isnan(x.at(1, i)));
      CHECK(std::isnan(x.at(2, i)));
      CHECK(x.at(3, i) == doctest::Approx(1.0 / 35));
    }
  });
}

TEST_CASE("dot, squared_norm, axpy and add_rows equal plain sums at every level") {
  at_each_level([] {
    for (const int64_t n : {0, 1, 5, 16, 17, 64, 100, 131, 1000, 20001}) {
      const auto x = normals(Shape{n}, "x"), b = normals(Shape{n}, "b");
      double inner = 0, size = 0, square = 0;
      for (int64_t i = 0; i < n; ++i) {
        inner += static_cast<double>(x[i]) * b[i];
        size += std::fabs(static_cast<double>(x[i]) * b[i]);
        square += static_cast<double>(x[i]) * x[i];
      }
      CHECK(std::fabs(dot(x.data(), b.data(), n) - inner) <= testing::dot_tolerance(n, size));
      CHECK(std::fabs(squared_norm(x) - square) <= static_cast<double>(n) * 0x1p-52 * square);
      auto y = b.clone();
      axpy(0.3f, x, y);
      for (int64_t i = 0; i < n; ++i) {
        const double want = 0.3f * static_cast<double>(x[i]) + b[i];
        CHECK(std::fabs(y[i] - want) <= 2 * kUnit * (std::fabs(x[i]) + std::fabs(b[i])));
      }
      if (n == 0) continue;
      Tensor<float> rows(Shape{3, n});
      add_rows(x, rows);
      add(b, View<float>(rows.view().row(1), Shape{n}));
      for (int64_t i = 0; i < n; ++i) {
        CHECK(rows.at(0, i) == x[i]);
        CHECK(rows.at(1, i) == x[i] + b[i]);
        CHECK(rows.at(2, i) == x[i]);
      }
    }
  });
}

TEST_CASE("rounding to bf16 gives the same bits at every level") {
  std::vector<float> points = {0.0f, -0.0f, INFINITY, -INFINITY, 1e-45f, 3.4e38f, -3.4e38f};
  for (uint32_t i = 0; i < 4000; ++i) {  // halfway cases and their neighbours
    const float one = to_float(bf16{static_cast<uint16_t>(i * 16)});
    const float next = to_float(bf16{static_cast<uint16_t>(i * 16 + 1)});
    const float half = one + (next - one) / 2;
    if (std::isfinite(half))
      points.insert(points.end(), {half, std::nextafter(half, one), std::nextafter(half, next)});
  }
  points.push_back(NAN);
  const auto n = static_cast<int64_t>(points.size());
  at_each_level([&] {
    std::vector<uint16_t> bits(points.size());
    std::vector<float> rounded(points.size());
    elementwise().to_bf16(points.data(), n, bits.data());
    elementwise().round_to_bf16(points.data(), n, rounded.data());
    std::vector<float> bent(points.size());
    std::vector<uint16_t> bent_bits(points.size()), at_once(points.size());
    elementwise().gelu(points.data(), n, bent.data());
    elementwise().to_bf16(bent.data(), n, bent_bits.data());
    elementwise().gelu_to_bf16(points.data(), n, at_once.data());
    CHECK(bent_bits == at_once);
    for (size_t i = 0; i + 1 < points.size(); ++i) {
      CHECK(bits[i] == to_bf16(points[i]).bits);
      CHECK(rounded[i] == to_float(to_bf16(points[i])));
    }
    CHECK(std::isnan(to_float(bf16{bits.back()})));
    CHECK(std::isnan(rounded.back()));
  });
}

TEST_CASE("results do not depend on the number of threads") {
  const int before = threads();
  const auto x = normals(Shape{400, 257}, "x");
  std::vector<Tensor<float>> results;
  double norms[2];
  for (const int n : {1, 3}) {
    set_threads(n);
    Tensor<float> y(x.shape()), scale(Shape{400});
    layer_norm(x, x.view().slice(0, 1).reshaped(Shape{257}),
               x.view().slice(1, 2).reshaped(Shape{257}), y, scale);
    gelu(y, y);
    softmax(y, y);
    norms[n == 3] = squared_norm(y);
    results.push_back(std::move(y));
  }
  set_threads(before);
  CHECK(norms[0] == norms[1]);
  for (int64_t i = 0; i < x.size(); ++i) CHECK(results[0][i] == results[1][i]);
}

}  // namespace otoscope::kernels
