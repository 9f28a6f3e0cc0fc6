#include <doctest/doctest.h>

#include <functional>

#include "model/nano.h"
#include "model/reference.h"
#include "model/vjp/norm_vjp.h"
#include "model/weights.h"
#include "otoscope/core/rng.h"
#include "otoscope/model/vjp.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;
using Doubles = reference::Array<double>;

namespace {

Doubles normals(Rng& rng, int64_t n) {
  Doubles x(static_cast<size_t>(n));
  for (double& v : x) v = rng.normal();
  return x;
}

/// d<c, f(x)>/dx by central differences.
Doubles central_differences(const std::function<Doubles(const Doubles&)>& f, Doubles x,
                            const Doubles& c, double h) {
  Doubles slopes(x.size());
  const auto value = [&] {
    const Doubles y = f(x);
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) sum += c[i] * y[i];
    return sum;
  };
  for (size_t i = 0; i < x.size(); ++i) {
    const double kept = x[i];
    x[i] = kept + h;
    const double up = value();
    x[i] = kept - h;
    slopes[i] = (up - value()) / (2 * h);
    x[i] = kept;
  }
  return slopes;
}

/// Truncation h^2 and rounding epsilon/h, times the size of third derivatives and of sums here.
constexpr double kStep = 1e-5, kTolerance = 1000 * (kStep * kStep + 0x1p-53 / kStep);

/// What runs is fp32: a score sums 64 products, its use 100 keys, both twice on the way back, and
/// an MLP's hidden unit 512. The norms compared are after cancellation, the sums' errors before it.
const double kSinglePrecision = dot_tolerance(512, 1.0);

void check_near(const Doubles& got, const Doubles& want, double tolerance) {
  REQUIRE(got.size() == want.size());
  double difference = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i)
    difference += (got[i] - want[i]) * (got[i] - want[i]), norm += want[i] * want[i];
  CHECK(norm > 0);
  CHECK(std::sqrt(difference) <= tolerance * std::sqrt(norm));
}

Site site(const std::string& name) { return find_site(nano().dims(), name); }

const Tape& tape() {
  static const Tape recorded(nano(), nano_input().mel, nano_input().tokens);
  return recorded;
}

Tensor<float> random_like(View<const float> x, Rng& rng) {
  Tensor<float> c(x.shape);
  for (float& v : c.view().span()) v = static_cast<float>(rng.normal());
  return c;
}

/// Head h of item b of a (B, heads, T, d_head) array.
Doubles head_of(View<const float> x, int64_t b, int64_t h) {
  const View<const float> head = x.sub(b).sub(h);
  return {head.data, head.data + head.size()};
}

}  // namespace

TEST_CASE("the norm's vjp agrees with central differences, whole and in its two parts") {
  Rng rng(3, "norm");
  const int64_t d = 9;
  const Doubles x = normals(rng, d), gain = normals(rng, d), c = normals(rng, d);
  const auto row = [&](const Doubles& at) { return NormRow<double>{at.data(), gain.data(), d}; };
  const auto with_scale = [&](const Doubles& at, double scale) {
    const double mean = row(at).mean();
    Doubles y;
    for (size_t j = 0; j < at.size(); ++j) y.push_back((at[j] - mean) * scale * gain[j]);
    return y;
  };
  const double scale = row(x).scale();

  Doubles held(x.size());
  row(x).add_through_values(c.data(), scale, held.data());
  check_near(
      held,
      central_differences([&](const Doubles& at) { return with_scale(at, scale); }, x, c, kStep),
      kTolerance);

  Doubles through(x.size());
  row(x).add_through_scale(1.0, through.data());
  check_near(through,
             central_differences([&](const Doubles& at) { return Doubles{row(at).scale()}; }, x,
                                 {1.0}, kStep),
             kTolerance);

  const double of_scale = row(x).scale_gradient(c.data());
  check_near(
      {of_scale},
      central_differences([&](const Doubles& s) { return with_scale(x, s[0]); }, {scale}, c, kStep),
      kTolerance);

  Doubles whole = held;
  row(x).add_through_scale(of_scale, whole.data());
  check_near(whole,
             central_differences([&](const Doubles& at) { return with_scale(at, row(at).scale()); },
                                 x, c, kStep),
             kTolerance);
}

TEST_CASE("attention's vjp agrees with central differences") {
  Rng rng(4, "attention");
  for (const reference::Head h :
       {reference::Head{5, 7, 3, false}, reference::Head{4, 6, 3, true}}) {
    const Doubles q = normals(rng, h.n * h.d), k = normals(rng, h.S * h.d),
                  v = normals(rng, h.S * h.d), c = normals(rng, h.n * h.d);
    Doubles dq, dk, dv;
    reference::attention_vjp(h, q, k, v, c, dq, dk, dv);
    const auto f = [&](const Doubles& a, const Doubles& b, const Doubles& e) {
      return reference::attention(h, a, b, e);
    };
    check_near(dq, central_differences([&](const Doubles& at) { return f(at, k, v); }, q, c, kStep),
               kTolerance);
    check_near(dk, central_differences([&](const Doubles& at) { return f(q, at, v); }, k, c, kStep),
               kTolerance);
    check_near(dv, central_differences([&](const Doubles& at) { return f(q, k, at); }, v, c, kStep),
               kTolerance);
  }
}

TEST_CASE("the tape's attention agrees with the reference in double") {
  Rng rng(5, "cotangents");
  struct Layer {
    std::string prefix, point;
    bool causal;
  };
  for (const Layer& layer :
       {Layer{"encoder.blocks.1.", "", false}, Layer{"decoder.blocks.1.", "", true},
        Layer{"decoder.blocks.0.", "cross_", false}})
    for (const bool frozen : {false, true}) {
      CAPTURE(layer.prefix + layer.point);
      const Site q = site(layer.prefix + layer.point + "q"),
                 k = site(layer.prefix + layer.point + "k"),
                 v = site(layer.prefix + layer.point + "v"),
                 z = site(layer.prefix + layer.point + "z");
      const Tensor<float> c = random_like(tape().value(z), rng);
      const Cotangent reads[] = {{z, c.view()}};
      const Site writes[] = {q, k, v};
      const auto got = tape().gradients(reads, writes, {frozen, false, false});
      const Shape shape = c.shape();
      for (int64_t b = 0; b < shape[0]; ++b)
        for (int64_t h = 0; h < shape[1]; ++h) {
          const reference::Head head{shape[2], tape().value(k).shape[2], shape[3], layer.causal};
          Doubles dq, dk, dv;
          reference::attention_vjp(head, head_of(tape().value(q), b, h),
                                   head_of(tape().value(k), b, h), head_of(tape().value(v), b, h),
                                   head_of(c, b, h), dq, dk, dv, frozen);
          check_near(head_of(got[2], b, h), dv, kSinglePrecision);
          if (frozen) {
            for (const double value : head_of(got[0], b, h)) REQUIRE(value == 0.0);
            continue;
          }
          check_near(head_of(got[0], b, h), dq, kSinglePrecision);
          check_near(head_of(got[1], b, h), dk, kSinglePrecision);
        }
    }
}

TEST_CASE("the MLP's vjp agrees with central differences, and the tape's with it") {
  Rng rng(6, "mlp");
  const reference::Mlp<double> small{
      4, 6, 3, normals(rng, 24), normals(rng, 6), normals(rng, 18), normals(rng, 3)};
  const Doubles x = normals(rng, 4), c = normals(rng, 3);
  check_near(small.vjp(x, c),
             central_differences([&](const Doubles& at) { return small.forward(at); }, x, c, kStep),
             kTolerance);

  const auto doubles = [](View<const float> v) { return Doubles(v.data, v.data + v.size()); };
  const MlpWeights& w = nano().weights().encoder[0].mlp;
  const reference::Mlp<double> real{128,
                                    512,
                                    128,
                                    doubles(w.up.weight()),
                                    doubles(w.up.bias()),
                                    doubles(w.down.weight()),
                                    doubles(w.down.bias())};
  const Site in = site("encoder.blocks.0.ln2"), out = site("encoder.blocks.0.mlp_out");
  const Tensor<float> cotangent = random_like(tape().value(out), rng);
  const Cotangent reads[] = {{out, cotangent.view()}};
  for (const bool frozen : {false, true}) {
    const auto got = tape().gradients(reads, std::span(&in, 1), {false, false, frozen});
    for (const int64_t row : {0, 57, 199}) {
      const auto at = [row](View<const float> v) {
        return Doubles(v.row(row), v.row(row) + v.width());
      };
      check_near(at(got[0]), real.vjp(at(tape().value(in)), at(cotangent), frozen),
                 kSinglePrecision);
    }
  }
}
