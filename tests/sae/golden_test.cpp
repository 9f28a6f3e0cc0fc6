// Values written by sae-lens and by torch's autograd: tests/golden/README.md.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/sae/train.h"
#include "sae/problem.h"
#include "sae/tiny.h"
#include "sae/train/optimizer.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;

namespace {

/// A float64 tensor as it is.
std::vector<double> doubles(const io::Safetensors& file, const std::string& name) {
  const io::TensorInfo& info = file.info(name);
  REQUIRE(info.dtype == io::Dtype::f64);
  std::vector<double> values(static_cast<size_t>(info.shape.count()));
  std::memcpy(values.data(), info.bytes.data(), info.bytes.size());
  return values;
}

double worst(const std::vector<double>& got, const std::vector<double>& want) {
  REQUIRE(got.size() == want.size());
  double difference = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double delta = std::fabs(got[i] - want[i]);
    if (!(delta <= difference)) difference = std::isnan(delta) ? INFINITY : delta;
  }
  return difference;
}

struct Case {
  Problem<double> q;
  sae::reference::Parameters<double> gradient;
  double total = 0;
};

Case read_case(const io::Json& spec) {
  const auto file =
      io::Safetensors::open(golden("sae_training/" + spec["file"].get<std::string>()));
  const io::Json& o = spec["options"];
  const std::string name = spec["name"];
  Case c;
  Problem<double>& q = c.q;
  auto& options = q.options;
  for (const char* known : {"relu", "batchtopk", "topk", "jumprelu", "gated", "matryoshka"})
    if (name.rfind(known, 0) == 0) options.architecture = known;
  options.k = o.value("k", 1);
  options.sparsity = o.value("lambda", 0.0);
  options.norm_weighted = o.value("norm_weighted", false);
  options.bandwidth = o.value("bandwidth", 0.0);
  options.penalty = "l0";
  options.aux_k = o.value("k_aux", 0);
  options.aux_rectified = o.value("aux_relu", false);
  options.aux_coefficient = o.value("alpha", 0.0);
  if (o.contains("prefixes")) options.prefixes = o["prefixes"].get<std::vector<int64_t>>();
  if (o.contains("weights")) options.prefix_weights = o["weights"].get<std::vector<double>>();
  if (o.contains("dead")) q.state.dead = o["dead"].get<std::vector<int32_t>>();
  const auto fill = [&](sae::reference::Parameters<double>& p, const std::string& kind) {
    const bool gated = options.architecture == "gated";
    p.W_enc = doubles(file, kind + (gated ? "W_gate" : "W_enc"));
    p.W_dec = doubles(file, kind + "W_dec");
    p.b_enc = doubles(file, kind + (gated ? "b_gate" : "b_enc"));
    p.b_dec = doubles(file, kind + "b_dec");
    if (gated) p.b_mag = doubles(file, kind + "b_mag"), p.r_mag = doubles(file, kind + "r_mag");
    if (file.has(kind + "threshold")) p.threshold = doubles(file, kind + "threshold");
    p.F = file.info(kind + "W_dec").shape[0], p.d_out = file.info(kind + "W_dec").shape[1];
    p.d = static_cast<int64_t>(p.W_enc.size()) / p.F;
    p.centre = name != "topk_transcoder";
  };
  fill(q.p, "param/");
  fill(c.gradient, "grad/");
  q.x = doubles(file, "x");
  q.y = file.has("target") ? doubles(file, "target") : q.x;
  q.B = static_cast<int64_t>(q.x.size()) / q.p.d;
  c.total = spec["loss"]["total"];
  return c;
}

}  // namespace

TEST_CASE("losses and gradients equal torch's autograd") {
  const io::Json cases = io::read_json(golden("sae_training/cases.json"))["cases"];
  int tested = 0;
  for (const io::Json& spec : cases) {
    const std::string name = spec["name"];
    if (name == "topk_steps" || name == "geometric_median") continue;
    CAPTURE(name);
    ++tested;
    const Case c = read_case(spec);
    const auto exact = sae::reference::run(c.q.p, c.q.options, c.q.state, c.q.x, c.q.y);
    CHECK(exact.total == doctest::Approx(c.total).epsilon(1e-12));
    CHECK(exact.l0 == doctest::Approx(spec["l0"].get<double>()));
    CHECK(worst(exact.gradient.W_enc, c.gradient.W_enc) < 1e-12);
    CHECK(worst(exact.gradient.W_dec, c.gradient.W_dec) < 1e-12);
    CHECK(worst(exact.gradient.b_enc, c.gradient.b_enc) < 1e-12);
    CHECK(worst(exact.gradient.b_dec, c.gradient.b_dec) < 1e-12);
    CHECK(worst(exact.gradient.threshold, c.gradient.threshold) < 1e-12);
    CHECK(worst(exact.gradient.b_mag, c.gradient.b_mag) < 1e-12);
    CHECK(worst(exact.gradient.r_mag, c.gradient.r_mag) < 1e-12);

    const auto& p = c.q.p;
    const sae::Sae s = as_sae(p);
    sae::Gradients got(s);
    const auto terms = sae::make_loss(c.q.options, p.d, p.d_out, p.F)
                           ->run(s, as_tensor(c.q.x, {c.q.B, p.d}),
                                 as_tensor(c.q.y, {c.q.B, p.d_out}), c.q.state, got);
    CHECK(terms.total == doctest::Approx(c.total).epsilon(1e-5));
    CHECK_CLOSE(whole(got.W_enc, got.touched), as_tensor(c.gradient.W_enc, {p.F, p.d}), 2e-5);
    CHECK_CLOSE(whole(got.W_dec, got.touched), as_tensor(c.gradient.W_dec, {p.F, p.d_out}), 2e-5);
    CHECK_CLOSE(got.b_enc, as_tensor(c.gradient.b_enc, {p.F}), 2e-5);
    CHECK_CLOSE(got.b_dec, as_tensor(c.gradient.b_dec, {p.d_out}), 2e-5);
    if (!p.threshold.empty())
      CHECK_CLOSE(got.threshold, as_tensor(c.gradient.threshold, {p.F}), 2e-5);
    if (!p.r_mag.empty()) {
      CHECK_CLOSE(got.r_mag, as_tensor(c.gradient.r_mag, {p.F}), 2e-5);
      CHECK_CLOSE(got.b_mag, as_tensor(c.gradient.b_mag, {p.F}), 2e-5);
    }
  }
  CHECK(tested == 12);
}

TEST_CASE("SAEs that sae-lens wrote give sae-lens's features and reconstructions") {
  const char* names[] = {"standard",
                         "standard_uncentred",
                         "standard_layer_norm",
                         "gated",
                         "jumprelu",
                         "standard_constant_norm",
                         "topk",
                         "topk_rescale",
                         "transcoder",
                         "skip_transcoder",
                         "jumprelu_transcoder",
                         "standard_from_training",
                         "batchtopk",
                         "topk_from_training",
                         "batchtopk_rescale",
                         "matryoshka_batchtopk",
                         "jumprelu_from_training"};
  for (const std::string name : names) {
    CAPTURE(name);
    const auto folder = golden("saelens/" + name);
    const auto want = io::Safetensors::open(folder / "golden.safetensors");
    const sae::Sae s = sae::load(folder);
    const Tensor<float> x = want.floats("x");
    const sae::Encoder encoder(s);
    SparseRows codes;
    encoder.encode(x, codes);
    CHECK_CLOSE(dense(codes, s.F()), want.floats("features"), 1e-5);
    Tensor<float> xhat(Shape{x.shape()[0], s.d_out()});
    encoder.decode(codes, x, xhat);
    CHECK_CLOSE(xhat, want.floats("reconstruction"), 1e-5);

    // What we write from it gives the same again.
    const TemporaryFolder copy;
    sae::Sae mine = sae::load(folder);
    sae::save(mine, copy.path());
    const sae::Sae back = sae::load(copy.path());
    Tensor<float> again(xhat.shape());
    sae::Encoder(back).reconstruct(x, again);
    CHECK_CLOSE(again, xhat, 0.0);
    CHECK(back.site == s.site);
    CHECK(back.model_name == s.model_name);
  }
  CHECK(error_of([] {
          (void)sae::load(golden("saelens/batchtopk_checkpoint"));
        }).find("training checkpoint") != std::string::npos);
}

TEST_CASE("ten optimiser steps equal torch's: projection, clipping, Adam, unit rows") {
  const io::Json cases = io::read_json(golden("sae_training/cases.json"))["cases"];
  const auto spec = std::find_if(cases.begin(), cases.end(),
                                 [](const io::Json& c) { return c["name"] == "topk_steps"; });
  REQUIRE(spec != cases.end());
  const auto file = io::Safetensors::open(golden("sae_training/topk_steps.safetensors"));
  const io::Json& o = (*spec)["options"];
  sae::Sae s;
  s.W_enc = file.floats("start/W_enc"), s.W_dec = file.floats("start/W_dec");
  s.b_enc = file.floats("start/b_enc"), s.b_dec = file.floats("start/b_dec");
  const Tensor<float> x = file.floats("x");
  sae::LossOptions options;
  options.architecture = "topk";
  options.k = o["k"];
  const auto loss = sae::make_loss(options, s.d(), s.d_out(), s.F());
  sae::Gradients g(s);
  sae::Optimizer optimizer(s, g, true);
  kernels::AdamOptions adam;
  adam.lr = o["lr"], adam.eps = o["eps"];
  for (int64_t t = 1; t <= 10; ++t) {
    const auto terms = loss->run(s, x, x, {}, g);
    const io::Json& line = (*spec)["log"][static_cast<size_t>(t - 1)];
    CHECK(terms.total == doctest::Approx(line["loss"].get<double>()).epsilon(1e-4));
    CHECK(optimizer.step(t, adam, o["clip"]) ==
          doctest::Approx(line["grad_norm"].get<double>()).epsilon(1e-4));
    if (t != 1 && t != 10) continue;
    const std::string after = "after_" + std::to_string(t) + "/";
    CHECK_CLOSE(s.W_enc, file.floats(after + "W_enc"), 1e-4);
    CHECK_CLOSE(s.W_dec, file.floats(after + "W_dec"), 1e-4);
    CHECK_CLOSE(s.b_enc, file.floats(after + "b_enc"), 1e-4);
    CHECK_CLOSE(s.b_dec, file.floats(after + "b_dec"), 1e-4);
  }
}

TEST_CASE("the geometric median is scipy's") {
  const auto file = io::Safetensors::open(golden("sae_training/geometric_median.safetensors"));
  const std::vector<double> median = sae::geometric_median(file.floats("x").view());
  CHECK(worst(median, doubles(file, "median")) < 1e-4);
  CHECK(worst(median, doubles(file, "mean")) > 1e-2);
}
