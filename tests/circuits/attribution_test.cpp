#include "otoscope/circuits/attribution.h"

#include <doctest/doctest.h>

#include <numeric>

#include "circuits/nano_circuit.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::circuits;
using namespace otoscope::testing;
using model::Point;
using model::Stack;

namespace {

/// An SAE of a stream of nano: random directions that fire on part of the positions.
sae::Sae stream_sae(double write = 0.05) {
  sae::Sae sae = nano_transcoder(Stack::encoder, 0);
  Rng rng(5, "decoder");
  for (float& v : sae.W_dec.view().span()) v = static_cast<float>(write * rng.normal());
  sae.target_site.clear();
  return sae;
}

std::vector<AttributionClip> two_clips(Metric metric = logit_margin("margin", 4, {7}, {9})) {
  std::vector<AttributionClip> clips;
  for (int64_t item = 0; item < 2; ++item) {
    const NanoClip clip = nano_clip(item);
    AttributionClip out;
    out.mel = Tensor<float>::copy_of(clip.mel.view().sub(0));
    out.frames = item == 0 ? 40 : 100;
    out.tokens.assign(clip.tokens.data(), clip.tokens.data() + 5);
    out.metric = metric;
    out.cluster = std::to_string(item);
    clips.push_back(std::move(out));
  }
  return clips;
}

model::Site site(const char* name) { return model::find_site(nano().dims(), name); }

/// One step of attribution at a site of each kind, the reference the mean: check(site, clips,
/// result).
template <class Check>
void each_site(double write, const Check& check) {
  for (const char* name :
       {"encoder.out", "encoder.blocks.0.resid_post", "decoder.blocks.0.resid_cross"}) {
    CAPTURE(name);
    const sae::Sae sae = stream_sae(write);
    SiteSae at{site(name), &sae, {}};
    const auto clips = two_clips();
    at.reference = mean_codes(nano(), at, clips);
    AttributionOptions options;
    options.steps = 1;
    check(at, clips, attribute(nano(), std::span(&at, 1), clips, options));
  }
}

}  // namespace

TEST_CASE("a metric's gradient is that of its value") {
  Rng rng(1, "logits");
  const int64_t V = nano().dims().n_vocab;
  Tensor<float> logits({5, V});
  for (float& v : logits.view().span()) v = static_cast<float>(rng.normal());
  const auto& special = nano_tokenizer().special();
  for (const Metric& metric :
       {logit_margin("m", 2, {1, 5, 9}, {3, 4}), text_margin(special, 4),
        no_speech_log_odds(special, V), span_log_probability({0, 3, 2, 8, 1}, 2, 5)}) {
    CAPTURE(metric.name);
    Tensor<float> gradient(logits.shape());
    const double before = metric.of(logits, gradient);
    CHECK(std::isfinite(before));
    double predicted = 0;
    Tensor<float> up = logits.clone(), down = logits.clone(), unused(logits.shape());
    for (int64_t i = 0; i < logits.size(); ++i) {
      const float step = static_cast<float>(1e-2 * rng.normal());
      up[i] += step, down[i] -= step;
      predicted += double(gradient[i]) * 0.5 * (double(up[i]) - double(down[i]));
    }
    const double slope = 0.5 * (metric.of(up, unused) - metric.of(down, unused));
    CHECK(slope == doctest::Approx(predicted).epsilon(1e-3).scale(1e-4));
  }
}

TEST_CASE("with small directions the sum of effects is what setting all features does") {
  // The smaller the move the straighter the model: one step must predict the measured change.
  each_site(1e-3, [](const SiteSae&, const auto& clips, const Attribution& result) {
    for (size_t c = 0; c < clips.size(); ++c) {
      CHECK(result.sites[0].measured[c] != 0);
      CHECK(result.sites[0].predicted[c] ==
            doctest::Approx(result.sites[0].measured[c]).epsilon(0.05).scale(1e-4));
    }
  });
}

TEST_CASE("what attribution measures is what setting all features does") {
  // Large directions: a change of 1e-3 of a logit would drown in the rounding of fp32 logits.
  each_site(0.3, [](const SiteSae& at, const auto& clips, const Attribution& result) {
    const FeatureSet all{{}, true, false};
    const auto set = metric_with(nano(), std::span(&at, 1), std::span(&all, 1), clips);
    for (size_t c = 0; c < clips.size(); ++c)
      CHECK(set[c] - result.values[c] ==
            doctest::Approx(result.sites[0].measured[c]).epsilon(1e-3).scale(1e-5));
  });
}

TEST_CASE("on large moves the integral of slopes predicts better than one slope") {
  const sae::Sae sae = stream_sae(0.3);
  const SiteSae at{site("encoder.blocks.0.resid_post"), &sae, {}};
  const auto clips = two_clips();
  const auto off = [&](int steps) {
    AttributionOptions options;
    options.steps = steps;
    const Attribution result = attribute(nano(), std::span(&at, 1), clips, options);
    double error = 0;
    for (size_t c = 0; c < clips.size(); ++c)
      error += std::abs(result.sites[0].predicted[c] - result.sites[0].measured[c]);
    return error;
  };
  const double one = off(1), many = off(32);
  CHECK(many < 0.25 * one);
}

TEST_CASE("one feature's effect is that of setting it alone, where the model is straight enough") {
  const sae::Sae sae = stream_sae(1e-3);
  const SiteSae at{site("encoder.out"), &sae, {}};
  const auto clips = two_clips();
  AttributionOptions options;
  options.steps = 1, options.top = 5;
  const Attribution result = attribute(nano(), std::span(&at, 1), clips, options);
  REQUIRE(result.sites[0].top.size() == 5);
  for (const FeatureEffect& effect : result.sites[0].top) {
    CAPTURE(effect.feature);
    const FeatureSet one{{effect.feature}, false, false};
    const auto set = metric_with(nano(), std::span(&at, 1), std::span(&one, 1), clips);
    double change = 0;
    for (size_t c = 0; c < clips.size(); ++c) change += 0.5 * (set[c] - result.values[c]);
    CHECK(effect.effect.value == doctest::Approx(change).epsilon(0.05).scale(1e-4));
    CHECK(effect.magnitude.value >= std::abs(effect.effect.value) - 1e-12);
    CHECK(effect.effect.clusters == 2);
  }
}

TEST_CASE("an empty circuit has faithfulness 0, the circuit of all features has 1") {
  const sae::Sae sae = stream_sae(0.1);
  const SiteSae at{site("encoder.out"), &sae, {}};
  const auto clips = two_clips();
  FeatureSet circuit;
  CircuitChecks checks =
      check_circuit(nano(), std::span(&at, 1), std::span(&circuit, 1), clips, 0, 1);
  CHECK(checks.faithfulness.value == doctest::Approx(0));
  CHECK(checks.completeness.value == doctest::Approx(1));
  circuit.features.resize(static_cast<size_t>(sae.F()));
  std::iota(circuit.features.begin(), circuit.features.end(), 0);
  checks = check_circuit(nano(), std::span(&at, 1), std::span(&circuit, 1), clips, 2, 1);
  CHECK(checks.faithfulness.value == doctest::Approx(1));
  CHECK(checks.completeness.value == doctest::Approx(0).scale(1));
  CHECK(checks.whole.value != doctest::Approx(checks.none.value));
  // A random set of as many features as fire is everything that fires.
  CHECK(checks.random_faithfulness.value == doctest::Approx(1));
}

TEST_CASE("stability is 1 where one cluster speaks for all, and sets compare by their members") {
  CHECK(jaccard(std::vector<int32_t>{1, 2, 3}, std::vector<int32_t>{2, 3, 4}) ==
        doctest::Approx(0.5));
  CHECK(jaccard(std::vector<int32_t>{}, std::vector<int32_t>{}) == 1);
  Attribution made;
  made.clusters = 4;
  made.cluster = {0, 1, 2, 3};
  SiteAttribution one;
  one.effects = Tensor<float>({4, 50});
  Rng rng(3, "effects");
  for (int64_t c = 0; c < 4; ++c)
    for (int64_t f = 0; f < 50; ++f)
      one.effects.at(c, f) = static_cast<float>(f < 5 ? 10 + f : 0.01 * rng.normal());
  made.sites.push_back(std::move(one));
  Stability stable = stability_of(made, 0, 5, 1, 200);
  CHECK(stable.bootstrap.value == doctest::Approx(1));
  CHECK(stable.smaller == 1);
  CHECK(stable.chance < 0.06);
  // Effects that differ from clip to clip are not found again.
  for (float& v : made.sites[0].effects.view().span()) v = static_cast<float>(rng.normal());
  stable = stability_of(made, 0, 5, 1, 200);
  CHECK(stable.bootstrap.value < 0.7);
  CHECK(stable.bootstrap.low <= stable.bootstrap.value);
}

TEST_CASE("attribution refuses what does not fit, and says which clip") {
  const sae::Sae sae = stream_sae();
  const SiteSae at{site("encoder.out"), &sae, {}};
  auto clips = two_clips();
  clips[1].frames = 0;
  CHECK(error_of([&] { attribute(nano(), std::span(&at, 1), clips); }) ==
        "[clip 1] expected 1 to 100 frames, got 0.");
  clips = two_clips(logit_margin("margin", 17, {1}, {2}));
  CHECK(error_of([&] {
          attribute(nano(), std::span(&at, 1), clips);
        }).starts_with("[margin] expected a position below 5"));
  CHECK(error_of([&] {
          attribute(nano(), std::span(&at, 1), {});
        }).starts_with("[attribution] expected clips"));
  const SiteSae wrong{site("encoder.blocks.0.attn_pattern"), &sae, {}};
  CHECK(error_of([&] {
          attribute(nano(), std::span(&wrong, 1), two_clips());
        }).starts_with("[encoder.blocks.0.attn_pattern] expected a site"));
  CHECK(error_of([] { logit_margin("m", 0, {}, {1}); }).starts_with("[m] expected tokens"));
}
