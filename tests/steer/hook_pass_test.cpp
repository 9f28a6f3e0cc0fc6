/// The hook on every way through the model: forward, resumed, cached decoding, beams.
#include <doctest/doctest.h>

#include "model/paths.h"
#include "otoscope/model/decode.h"
#include "otoscope/steer/hook.h"
#include "steer/block.h"
#include "steer/dense.h"

namespace otoscope::steer {

using model::Hook;
using model::Site;
using testing::decoder_site;
using testing::encoder_site;
using testing::kD;
using testing::nano;
using testing::same;

TEST_CASE("an edit that changes nothing keeps every bit, on every way through the model") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::jumprelu);
  std::vector<std::vector<Operator>> nothings{{}};
  for (int a = 0; a < kActions; ++a) {
    const auto action = static_cast<Action>(a);
    const double neutral = neutral_strength(action);
    if (std::isnan(neutral)) continue;
    Operator op;
    if (action == Action::add_direction) {
      op = add_direction(std::vector<float>(kD, 1), neutral, 2);
    } else if (action == Action::remove_direction) {
      const std::vector<std::vector<float>> one{std::vector<float>(kD, 1)};
      op = remove_directions(one, neutral);
    } else {
      op = on_features(action, {1, 2}, neutral, {.5F, .25F});
      op.donors[0] = std::make_shared<Tensor<float>>(Shape{4, 2});
      if (action != Action::swap) op.donors.clear();
    }
    nothings.push_back({op});
  }
  // A feature that never fires, set to zero.
  sae::Sae silent = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  silent.b_enc[17] = -1e6F;
  for (const testing::Path& path : testing::paths()) {
    const auto plain = path.run({});
    const Site site = path.of_encoder() ? encoder_site() : decoder_site();
    CAPTURE(path.name);
    for (const auto& operators : nothings) {
      SteerHook hook(nano().dims(), site, operators, &sae);
      Hook* const hooks[] = {&hook};
      const auto got = path.run(hooks);
      CHECK(same(got.data(), plain.data(), static_cast<int64_t>(plain.size())));
      CHECK(hook.dose().changed == 0);
    }
    SteerHook ablation(nano().dims(), site, {on_features(Action::ablate, {17}, 1)}, &silent);
    Hook* const hooks[] = {&ablation};
    const auto got = path.run(hooks);
    CHECK(same(got.data(), plain.data(), static_cast<int64_t>(plain.size())));
    // And an edit of a feature that does fire reaches the end.
    SteerHook real(nano().dims(), site, {on_features(Action::clamp, {17}, 5)}, &silent);
    Hook* const others[] = {&real};
    const auto changed = path.run(others);
    CHECK_FALSE(same(changed.data(), plain.data(), static_cast<int64_t>(plain.size())));
  }
}

TEST_CASE("cached decoding edits each position once, and gives what teacher forcing gives") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const auto input = testing::nano_input();
  const Tensor<float> audio = nano().encode(input.mel);
  SteerHook hook(nano().dims(), decoder_site(), {on_features(Action::clamp, {4, 9}, 3)}, &sae);
  Hook* const hooks[] = {&hook};
  const Tensor<float> forced = nano().decode_forced(audio, input.tokens, {}, hooks);
  CHECK(hook.dose().rows == 16);
  CHECK(hook.dose().changed == 16);

  hook.reset_dose();
  model::KvCache cache = nano().make_cache(audio, 8, {}, hooks);
  int64_t at = 0;
  for (const int64_t n : {4, 1, 1, 1, 1}) {
    Tensor<int64_t> tokens(Shape{2, n});
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t i = 0; i < n; ++i) tokens.at(b, i) = input.tokens.at(b, at + i);
    const Tensor<float> logits = nano().decode_step(cache, tokens, {}, hooks);
    at += n;
    CHECK(hook.dose().rows == 2 * at);
    for (int64_t b = 0; b < 2; ++b) {
      const int64_t V = logits.view().width();
      const View<const float> got(logits.view().row(b), {V});
      const View<const float> want(forced.view().sub(b).row(at - 1), {V});
      CHECK(testing::relative_error(got, want) < 1e-5);
    }
  }
}

TEST_CASE("beams carry the edit: like the same function written by hand, at every step") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const Operator op = on_features(Action::scale, {4, 9, 30}, -4);
  model::Edit by_hand(decoder_site(), [&](const model::Rows&, View<float> x) {
    for (int64_t r = 0; r < x.rows(); ++r) {
      const auto row = testing::dense_edit(sae, op, x.row(r));
      for (int64_t i = 0; i < kD; ++i) x.at(r, i) = static_cast<float>(row[static_cast<size_t>(i)]);
    }
  });
  SteerHook hook(nano().dims(), decoder_site(), {op}, &sae);
  Hook* const steered[] = {&hook};
  Hook* const hand[] = {&by_hand};
  for (const testing::Path& path : testing::paths()) {
    if (path.of_encoder()) continue;
    CAPTURE(path.name);
    hook.reset_dose();
    const auto got = path.run(steered), want = path.run(hand);
    REQUIRE(got.size() == want.size());
    const auto n = static_cast<int64_t>(got.size());
    CHECK(testing::relative_error({got.data(), {n}}, {want.data(), {n}}) < 1e-5);
    // Rows computed: prompts of 4 in 2 rows, then 3 steps of 2 rows, or of 6, 6 and 4 beams.
    const int64_t rows = path.name == "decoder_forced"  ? 16
                         : path.name == "cached greedy" ? 14
                                                        : 24;
    CHECK(hook.dose().rows == rows);
  }
}

TEST_CASE("a beam search under an edit finds a text that the edited model rates as it says") {
  const auto tokenizer = model::load_tokenizer(nano());
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const Tensor<float> audio = nano().encode(testing::nano_input().mel);
  SteerHook hook(nano().dims(), decoder_site(), {on_features(Action::clamp, {4, 9}, 3)}, &sae);
  Hook* const hooks[] = {&hook};
  model::DecodeOptions options;
  options.languages = {"en"};
  options.beam_size = 3;
  options.sample_len = 6;
  options.suppress_tokens = {};
  options.suppress_blank = false;
  options.without_timestamps = true;
  const auto results = model::decode(nano(), tokenizer, audio, options, {}, hooks);
  const auto plain = model::decode(nano(), tokenizer, audio, options);
  CHECK((results[0].tokens != plain[0].tokens || results[1].tokens != plain[1].tokens));
  const auto prompt = tokenizer.sot_sequence("en", "transcribe", true);
  for (int64_t b = 0; b < 2; ++b) {
    const auto& result = results[static_cast<size_t>(b)];
    std::vector<int64_t> all = prompt;
    all.insert(all.end(), result.tokens.begin(), result.tokens.end());
    const View<const int64_t> tokens(all.data(), {1, static_cast<int64_t>(all.size())});
    const Tensor<float> logits =
        nano().decode_forced(audio.view().slice(b, b + 1), tokens, {}, hooks);
    double sum = 0;
    const int64_t V = logits.view().width(), p = static_cast<int64_t>(prompt.size());
    for (int64_t i = p - 1; i + 1 < tokens.size() + 1; ++i) {
      // After the last token: eot where the search ended by itself, nothing where it ran out.
      const bool last = i + 1 == tokens.size();
      if (last && static_cast<int>(result.tokens.size()) == options.sample_len) break;
      const float* row = logits.view().row(i);
      double total = 0;
      for (int64_t v = 0; v < V; ++v) total += std::exp(static_cast<double>(row[v] - row[0]));
      const int64_t next = last ? tokenizer.special().eot : all[static_cast<size_t>(i + 1)];
      sum += static_cast<double>(row[next] - row[0]) - std::log(total);
    }
    CHECK(result.avg_logprob ==
          doctest::Approx(sum / static_cast<double>(result.tokens.size() + 1)).epsilon(1e-4));
  }
}

}  // namespace otoscope::steer
