#include "otoscope/steer/dose.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "eval/nano.h"
#include "otoscope/eval/spliced.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/languages.h"
#include "otoscope/steer/contrast.h"
#include "otoscope/steer/crosslingual.h"
#include "otoscope/steer/directions.h"
#include "steer/dense.h"
#include "support/errors.h"

namespace otoscope::steer {
namespace {

using testing::Nano;

constexpr int64_t kD = 128;

eval::ClipChoice clips_of(const Nano& nano, int64_t n = 6) {
  return eval::choose_clips(nano.manifest, store::Split::test, n, nano.model, nano.tokenizer);
}

Arm arm_of(std::vector<Operator> operators, std::vector<double> strengths, bool decode = false) {
  Arm arm;
  arm.name = "edit";
  arm.operators = std::move(operators);
  arm.strengths = std::move(strengths);
  arm.decode = decode;
  return arm;
}

DoseRun doses(const Nano& nano, const eval::ClipChoice& choice, const char* site,
              const sae::Sae* sae, const std::vector<Arm>& arms, const Target& target,
              int batch = 4) {
  DoseOptions options;
  options.batch = batch;
  options.max_tokens = 8;
  return run_doses(nano.model, nano.tokenizer, choice, model::find_site(nano.model.dims(), site),
                   sae, arms, target, options);
}

/// An SAE of decoder.out with one feature that always fires and writes one token's embedding: what
/// it does to that token's logit is known.
struct Planted {
  sae::Sae sae = testing::random_sae(kD, 16, sae::Activation::relu);
  int64_t token;
  explicit Planted(const Nano& nano, int64_t planted) : token(planted) {
    // The embedding, from the logits of unit rows: logits = x E^T at decoder.out.
    const model::Site out = model::find_site(nano.model.dims(), "decoder.out");
    const Tensor<float> audio(Shape{1, nano.model.dims().n_audio_ctx, kD});
    const std::vector<int64_t> ids(1, 1);
    for (int64_t i = 0; i < kD; ++i) {
      model::Edit unit(out, [&](const model::Rows&, View<float> x) {
        for (int64_t j = 0; j < x.width(); ++j) x.at(0, j) = i == j ? 1.0F : 0.0F;
      });
      model::Hook* hook = &unit;
      const Tensor<float> logits =
          nano.model.decode_forced(audio, View<const int64_t>(ids.data(), {1, 1}), {}, {&hook, 1});
      sae.W_dec.at(3, i) = logits.view().sub(0).at(0, token);
    }
    sae.b_enc[3] = 1e3F;
  }
};

/// A store of encoder.out over the clips; in French ones a number added to coordinate 7.
struct NanoStore {
  testing::TemporaryFolder folder;
  store::Store opened;
  explicit NanoStore(const Nano& nano, float raise = 0)
      : opened(write(nano, raise, folder.path() / "store")) {}

  static store::Store write(const Nano& nano, float raise, const std::filesystem::path& path) {
    testing::write_nano_store(nano, "encoder.out", path);
    if (raise == 0) return store::Store::open(path);
    const store::Store plain = store::Store::open(path);
    Tensor<float> x(Shape{plain.rows(), plain.d()});
    plain.read(0, x);
    std::vector<store::RowOrigin> origins;
    for (int64_t r = 0; r < plain.rows(); ++r) {
      origins.push_back(plain.origin(r));
      const auto& item = plain.items()[static_cast<size_t>(origins.back().item)];
      x.at(r, 7) += item.language == "fr" ? raise : 0;
    }
    store::Header header;
    header.site = plain.site(), header.model_name = plain.model_name();
    header.model_hash = plain.model_hash(), header.d = plain.d(), header.dtype = "f32";
    const auto other = path.parent_path() / "raised";
    store::write_store(other, header, plain.items(), origins, x);
    return store::Store::open(other);
  }
};

}  // namespace

TEST_CASE("a planted feature moves its token's logit by strength x ||d||^2, dose by dose") {
  const Nano nano(12);
  const eval::ClipChoice choice = clips_of(nano);
  const int64_t token = nano.tokenizer.encode(" line").at(0);
  const Planted planted(nano, token);
  const auto target = token_target(token, "line");
  const std::vector<Arm> arms{arm_of({on_features(Action::add, {3}, 1)}, {-8, -4, -1, 0, 1, 4, 8})};
  const DoseRun run = doses(nano, choice, "decoder.out", &planted.sae, arms, *target);
  // The dense slow way: the clean logits with that one logit raised.
  const eval::ClipBatch batch =
      eval::load_clips(choice.clips, 0, 1, nano.model.dims(), audio::Padding::waveform_zero);
  model::Rows rows;
  rows.B = 1, rows.valid = batch.valid;
  const Tensor<float> audio = nano.model.encode(batch.mel, rows);
  const auto& tokens = choice.clips[0].tokens;
  const Tensor<float> logits = nano.model.decode_forced(
      audio, View<const int64_t>(tokens.data(), {1, static_cast<int64_t>(tokens.size())}));
  double before = -1;
  for (const Response& r : run.arms[0]) {
    double sum = 0;
    for (const Outcome& o : r.clips) sum += o.watched.at(0);
    CHECK(sum > before);  // more of the feature, more of the token
    before = sum;
    CHECK(r.dose.changed == (r.strength == 0 ? 0 : r.dose.rows));
  }
  model::Edit by_hand(model::find_site(nano.model.dims(), "decoder.out"),
                      [&](const model::Rows&, View<float> x) {
                        for (int64_t r = 0; r < x.rows(); ++r)
                          for (int64_t i = 0; i < kD; ++i)
                            x.at(r, i) += 4 * planted.sae.W_dec.at(3, i);
                      });
  model::Hook* hook = &by_hand;
  const Tensor<float> moved = nano.model.decode_forced(
      audio, View<const int64_t>(tokens.data(), {1, static_cast<int64_t>(tokens.size())}), {},
      {&hook, 1});
  double want = 0, ce = 0, kl = 0;
  const int64_t V = logits.view().width();
  for (size_t t = static_cast<size_t>(choice.clips[0].prompt); t < tokens.size(); ++t) {
    const auto row = static_cast<int64_t>(t) - 1;
    double p = 0, q = 0;
    for (int64_t v = 0; v < V; ++v) {
      p += std::exp(static_cast<double>(logits.view().sub(0).at(row, v)));
      q += std::exp(static_cast<double>(moved.view().sub(0).at(row, v)));
    }
    want += std::exp(static_cast<double>(moved.view().sub(0).at(row, token))) / q;
    ce -= moved.view().sub(0).at(row, tokens[t]) - std::log(q);
    for (int64_t v = 0; v < V; ++v) {
      const double a = logits.view().sub(0).at(row, v) - std::log(p);
      kl += std::exp(a) * (a - (moved.view().sub(0).at(row, v) - std::log(q)));
    }
  }
  const Outcome& got = run.arms[0][5].clips[0];  // strength 4
  CHECK(got.watched[0] == doctest::Approx(want).epsilon(1e-4));
  CHECK(got.ce == doctest::Approx(ce).epsilon(1e-4));
  CHECK(got.kl == doctest::Approx(kl).epsilon(1e-4));
  CHECK(run.clean[0].kl == 0);
}

TEST_CASE("doses do not depend on the batch, and strength 0 is the clean model") {
  const Nano nano(12);
  const eval::ClipChoice choice = clips_of(nano);
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const std::vector<Arm> arms{arm_of({on_features(Action::clamp, {5, 9}, 1)}, {0, 2}, true)};
  const auto target = kl_target();
  for (const char* site : {"encoder.out", "encoder.blocks.0.resid_post", "encoder.blocks.1.mlp_out",
                           "decoder.blocks.0.resid_post"}) {
    CAPTURE(site);
    const DoseRun a = doses(nano, choice, site, &sae, arms, *target, 1),
                  b = doses(nano, choice, site, &sae, arms, *target, 4);
    CHECK(a.arms[0][1].dose.sum == doctest::Approx(b.arms[0][1].dose.sum).epsilon(1e-5));
    for (size_t i = 0; i < choice.clips.size(); ++i) {
      CHECK(a.arms[0][0].clips[i].kl == 0);
      CHECK(a.arms[0][0].clips[i].text == a.clean[i].text);
      CHECK(a.arms[0][1].clips[i].kl > 0);
      CHECK(a.arms[0][1].clips[i].kl == doctest::Approx(b.arms[0][1].clips[i].kl).epsilon(1e-3));
      CHECK(a.arms[0][1].clips[i].no_speech ==
            doctest::Approx(b.arms[0][1].clips[i].no_speech).epsilon(1e-3));
    }
  }
}

TEST_CASE("resuming at the edited site gives what a whole forward gives") {
  const Nano nano(12);
  const eval::ClipChoice choice = clips_of(nano, 3);
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const Operator op = on_features(Action::clamp, {5, 9}, 2);
  const std::vector<Arm> arms{arm_of({op}, {1})};
  const DoseRun run = doses(nano, choice, "encoder.blocks.0.resid_post", &sae, arms, *kl_target());
  const eval::ClipBatch batch =
      eval::load_clips(choice.clips, 0, 3, nano.model.dims(), audio::Padding::waveform_zero);
  model::Rows rows;
  rows.B = 3, rows.item = batch.item, rows.valid = batch.valid;
  SteerHook hook(nano.model.dims(),
                 model::find_site(nano.model.dims(), "encoder.blocks.0.resid_post"), {op}, &sae);
  model::Hook* hooks = &hook;
  const Tensor<float> audio = nano.model.encode(batch.mel, rows, {&hooks, 1});
  const auto guesses = model::detect_language(nano.model, nano.tokenizer, audio);
  for (size_t i = 0; i < 3; ++i) {
    const auto languages = model::languages();
    size_t own = 0;
    while (languages[own].code != choice.clips[i].clip.language) ++own;
    CHECK(run.arms[0][0].clips[i].own_language ==
          doctest::Approx(guesses[i].probabilities[own]).epsilon(1e-3));
  }
}

TEST_CASE("controls have the dose of what they are controls of") {
  const Nano nano(12);
  const NanoStore store(nano);
  const eval::ClipChoice choice = clips_of(nano);
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::jumprelu);
  const Scales scales = measure_scales(&sae, store.opened, store::Split::train);
  CHECK(scales.rows > 0);
  CHECK(scales.median_norm > 0);
  std::vector<int32_t> live;
  for (int32_t j = 0; j < sae.F() && live.size() < 2; ++j)
    if (scales.rate[static_cast<size_t>(j)] > .2) live.push_back(j);
  REQUIRE(live.size() == 2);
  std::vector<Arm> arms{arm_of({on_features(Action::scale, live, 2)}, {1, 3})};
  const eval::Pca pca = site_pca(store.opened);
  add_controls(arms, 0, {3}, 4, 2, scales, kD, 1, &pca);
  REQUIRE(arms.size() == 13);
  // The same edit under another name: its controls would be those of the first.
  arms.push_back(arm_of({on_features(Action::scale, live, 2)}, {3}));
  const DoseRun run = doses(nano, choice, "encoder.out", &sae, arms, *kl_target());
  Dose tested;  // on the clips that the controls see
  {
    SteerHook hook(nano.model.dims(), model::find_site(nano.model.dims(), "encoder.out"),
                   {on_features(Action::scale, live, 4)}, &sae);
    model::Hook* hooks = &hook;
    for (int64_t i = 0; i < 6; i += 2) {
      const eval::ClipBatch batch =
          eval::load_clips(choice.clips, i, 1, nano.model.dims(), audio::Padding::waveform_zero);
      model::Rows rows;
      rows.B = 1, rows.item = batch.item, rows.valid = batch.valid;
      nano.model.encode(batch.mel, rows, {&hooks, 1});
    }
    tested = hook.dose();
  }
  for (size_t a = 1; a + 1 < arms.size(); ++a) {
    CAPTURE(arms[a].name);
    CHECK(run.arms[a][0].dose.sum == doctest::Approx(tested.sum).epsilon(1e-4));
    if (arms[a].role != Arm::Role::random_feature)
      CHECK(run.arms[a][0].dose.changed == tested.changed);
    for (const int32_t f : arms[a].operators[0].features)
      if (arms[a].role == Arm::Role::random_feature)
        CHECK(std::find(live.begin(), live.end(), f) == live.end());
  }
  const auto found = contests(run, arms, choice, *kl_target());
  REQUIRE(found.size() == 1);
  CHECK(found[0].arm == 0);
  CHECK(found[0].strength == 3);
  CHECK(found[0].random_features.effects.size() == 4);
  CHECK(found[0].random_directions.effects.size() == 4);
  CHECK(found[0].random_principal.effects.size() == 4);
  CHECK(found[0].random_directions.p >= 0.2);  // of four controls no smaller p can come
}

TEST_CASE("a response's numbers are sums over its clips, and its interval holds them") {
  const Nano nano(20);
  const eval::ClipChoice choice = clips_of(nano, 0);
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const std::vector<Arm> arms{arm_of({on_features(Action::clamp, {5, 9}, 1)}, {3}, true)};
  const auto target = kl_target();
  const DoseRun run = doses(nano, choice, "encoder.out", &sae, arms, *target);
  const ResponseMeasures m = measure(run, run.arms[0][0].clips, 1, choice, *target, DoseOptions());
  double kl = 0, tokens = 0, errors = 0, words = 0;
  for (const Outcome& o : run.arms[0][0].clips)
    kl += o.kl, tokens += static_cast<double>(o.tokens),
        errors += static_cast<double>(o.word_errors), words += static_cast<double>(o.words);
  CHECK(m.target.value == doctest::Approx(kl / tokens));
  CHECK(m.kl.value == doctest::Approx(kl / tokens));
  CHECK(m.target_difference.value == doctest::Approx(kl / tokens));
  CHECK(m.wer.value == doctest::Approx(errors / words));
  CHECK(m.kl.low <= m.kl.value);
  CHECK(m.kl.value <= m.kl.high);
  CHECK(m.kl.clusters == choice.clusters);
  const auto json = dose_json(run, arms, choice, *target, DoseOptions());
  CHECK(dose_table(json).size() == 2);
}

TEST_CASE("words come out right where the alignment with the fewest errors says so") {
  CHECK(words_right("a b c", "a b c") == std::vector<bool>{true, true, true});
  CHECK(words_right("a b c", "a c") == std::vector<bool>{true, false, true});
  CHECK(words_right("a b c", "x a y c") == std::vector<bool>{true, false, true});
  CHECK(words_right("a b", "") == std::vector<bool>{false, false});
  CHECK(words_right("", "a").empty());
}

TEST_CASE("errors on words with a unit are set against the other words") {
  eval::SplicedClip clip;
  clip.clip.id = "one";
  clip.reference = "she sells sea shells";
  Outcome outcome;
  outcome.normalised = "he sells sea bells";
  const auto target = unit_words_target("S", {{"one", {true, false, false, true}}});
  const Parts p = target->score(clip, outcome);
  CHECK(p.a == 2);
  CHECK(p.b == 2);
  CHECK(p.c == 0);
  CHECK(p.d == 2);
  clip.clip.id = "other";
  CHECK(target->score(clip, outcome).b == 0);
}

TEST_CASE("overlap counts words once each, in any order") {
  CHECK(word_overlap("La línea, por favor.", "la LÍNEA por favor") == doctest::Approx(1));
  CHECK(word_overlap("a b c d", "d c") == doctest::Approx(2 * 2.0 / 6));
  CHECK(word_overlap("a a", "a") == doctest::Approx(2 * 1.0 / 3));
  CHECK(word_overlap("a", "") == 0);
}

TEST_CASE("the contrast of two kinds of clips finds the planted feature and the direction") {
  const Nano nano(24);
  const NanoStore store(nano, 3.0F);
  const sae::Sae sae = testing::identity_sae(kD);
  const Contrast found = contrast(sae, store.opened, store::Split::train, [](const store::Item& i) {
    return i.language == "en" ? 0 : i.language == "fr" ? 1 : -1;
  });
  CHECK(found.items[0] + found.items[1] == 8);
  CHECK(found.features[0] == 7);  // raised in French
  CHECK(found.t[0] > 0);
  CHECK(found.shift[0] > 1);
  int64_t largest = 0;
  for (int64_t i = 0; i < kD; ++i)
    if (std::fabs(found.direction[static_cast<size_t>(i)]) >
        std::fabs(found.direction[static_cast<size_t>(largest)]))
      largest = i;
  CHECK(largest == 7);
  const Operator op = shift_features(found, 1);
  CHECK(op.features == std::vector<int32_t>{7});
  CHECK(op.units[0] == found.shift[0]);
}

TEST_CASE(
    "a probe looks where the difference is large for the spread; principal ones stay inside") {
  // Two coordinates differ by as much; the rows spread ten times as far along the first.
  Tensor<float> x(Shape{400, 3});
  Rng rng(0, "rows");
  for (int64_t r = 0; r < 400; ++r) {
    x.at(r, 0) = static_cast<float>(10 * rng.normal());
    x.at(r, 1) = static_cast<float>(rng.normal());
    x.at(r, 2) = static_cast<float>(.01 * rng.normal());
  }
  const eval::Pca pca = eval::fit_pca(eval::Sample::of_matrix(x));
  const std::vector<float> probe = probe_direction(pca, std::vector<float>{1, 1, 0});
  // (S + ridge)^-1: 1/(100 + .34) against 1/(1 + .34), as far as 400 rows tell.
  CHECK(probe[0] / probe[1] == doctest::Approx(1.34 / 100.34).epsilon(.5));
  CHECK(std::hypot(probe[0], probe[1], probe[2]) == doctest::Approx(1));
  for (const auto& v : random_principal_directions(pca, 2, 5, 1)) {
    CHECK(std::fabs(v[2]) < .01);
    CHECK(std::hypot(v[0], v[1], v[2]) == doctest::Approx(1));
  }
}

TEST_CASE("arms that cannot be run are refused") {
  const Nano nano(6);
  const eval::ClipChoice choice = clips_of(nano, 2);
  const auto refusal = [&](std::vector<Arm> arms, const Target& target) {
    return testing::error_of([&] { doses(nano, choice, "encoder.out", nullptr, arms, target); });
  };
  CHECK(refusal({arm_of({}, {})}, *kl_target()).find("expected strengths") != std::string::npos);
  CHECK(refusal({arm_of({}, {NAN})}, *kl_target()).find("finite") != std::string::npos);
  CHECK(refusal({arm_of({}, {1})}, *has_text_target()).find("needs free decoding") !=
        std::string::npos);
  const Operator huge = add_direction(std::vector<float>(kD, 1), 1, 1e39);
  CHECK(refusal({arm_of({huge}, {1})}, *kl_target()).find("infinite or not a number") !=
        std::string::npos);
}

}  // namespace otoscope::steer
