#include "otoscope/eval/spliced.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <initializer_list>

#include "eval/nano.h"
#include "eval/token_scores.h"
#include "otoscope/eval/splice.h"
#include "support/errors.h"

namespace otoscope::eval {
namespace {

using testing::Nano;

const char* kSites[] = {"encoder.out", "encoder.blocks.0.resid_post", "encoder.blocks.1.mlp_out",
                        "decoder.blocks.0.resid_post"};

}  // namespace

TEST_CASE("token scores by hand") {
  // Two predicted tokens of three entries; logits may have any offset.
  Tensor<float> p(Shape{3, 3}), q(Shape{3, 3});
  const float clean[] = {0, 0, 0, 1, 2, 3, 5, 5, 5}, spliced[] = {9, 9, 9, 3, 2, 1, 7, 7, 7};
  std::copy_n(clean, 9, p.data());
  std::copy_n(spliced, 9, q.data());
  const std::vector<int64_t> tokens{1, 0, 2, 1};
  const TokenScores s = score_tokens(p, q, tokens, 2);
  REQUIRE(s.ce.size() == 2);
  const double z = std::exp(1.0) + std::exp(2.0) + std::exp(3.0);
  CHECK(s.ce[0] == doctest::Approx(std::log(z) - 1));
  CHECK(s.ce[1] == doctest::Approx(std::log(3.0)));
  // KL of (1,2,3) from (3,2,1): sum p (log p - log q) = (e^3 - e^1)/z * 2
  CHECK(s.kl[0] == doctest::Approx(2 * (std::exp(3.0) - std::exp(1.0)) / z));
  CHECK(s.kl[1] == doctest::Approx(0));
  CHECK(s.agree == std::vector<uint8_t>{0, 1});
}

TEST_CASE("an identity SAE costs nothing at any site, and ablations define recovery") {
  const Nano nano(12);
  const ClipChoice choice =
      choose_clips(nano.manifest, store::Split::test, 5, nano.model, nano.tokenizer);
  const int64_t d = nano.model.dims().n_audio_state;
  const sae::Sae sae = testing::identity_sae(d);
  const SaeReconstructor identity(sae);
  const ConstantReconstructor zero(std::vector<float>(static_cast<size_t>(d), 0.0f));
  std::vector<System> systems;
  for (const char* name : kSites) {
    const model::Site site = model::find_site(nano.model.dims(), name);
    systems.push_back({"identity", site, &identity, System::Role::tested, true});
    systems.push_back({"zero", site, &zero, System::Role::zero, true});
  }
  SplicedOptions options;
  options.max_tokens = 12;
  options.batch = 2;
  const SplicedRun run = run_spliced(nano.model, nano.tokenizer, choice, systems, options);
  const SplicedMeasures clean = clean_measures(run, choice, options);
  CHECK(clean.ce_difference.value == 0.0);
  CHECK(clean.ce.value > 0.1);

  for (size_t i = 0; i < systems.size(); i += 2) {
    CAPTURE(model::site_name(systems[i].site));
    const SplicedMeasures same = measures_of(run, i, choice, options);
    CHECK(same.ce_difference.value == 0.0);
    CHECK(same.kl.value < 1e-6);
    CHECK(same.kl_p95 < 1e-6);
    CHECK(same.agreement.value == 1.0);
    CHECK(same.wer_difference.value == 0.0);
    CHECK(same.kl_recovered_zero->value == doctest::Approx(1));
    CHECK_FALSE(same.kl_recovered_mean.has_value());
    for (size_t c = 0; c < choice.clips.size(); ++c)
      CHECK(run.systems[i].clips[c].text == run.clean[c].text);

    const SplicedMeasures nothing = measures_of(run, i + 1, choice, options);
    CHECK(nothing.kl.value > 1e-3);
    CHECK(nothing.kl_recovered_zero->value == 0.0);
    CHECK(nothing.ce_recovered_zero->value == 0.0);
  }
}

TEST_CASE(
    "a forward resumed at the site equals a whole one with the hook, and batches change nothing") {
  const Nano nano(12);
  const ClipChoice choice =
      choose_clips(nano.manifest, store::Split::test, 4, nano.model, nano.tokenizer);
  const int64_t d = nano.model.dims().n_audio_state;
  const ConstantReconstructor half(std::vector<float>(static_cast<size_t>(d), 0.5f));
  const model::Site site = model::find_site(nano.model.dims(), "encoder.blocks.0.resid_post");
  const System systems[] = {{"half", site, &half, System::Role::tested, true}};
  SplicedOptions options;
  options.max_tokens = 10;
  options.batch = 4;
  const SplicedRun whole = run_spliced(nano.model, nano.tokenizer, choice, systems, options);
  options.batch = 1;
  const SplicedRun single = run_spliced(nano.model, nano.tokenizer, choice, systems, options);

  const ClipBatch batch =
      load_clips(choice.clips, 0, 4, nano.model.dims(), audio::Padding::waveform_zero);
  model::Rows rows;
  rows.B = 4;
  rows.valid = batch.valid;
  Splice splice(site, half);
  model::Hook* hook = &splice;
  const Tensor<float> audio = nano.model.encode(batch.mel, rows, {&hook, 1});
  for (size_t c = 0; c < 4; ++c) {
    const ClipScore& score = whole.systems[0].clips[c];
    CHECK(score.ce == doctest::Approx(single.systems[0].clips[c].ce).epsilon(1e-5));
    CHECK(score.text == single.systems[0].clips[c].text);
    const auto& tokens = choice.clips[c].tokens;
    Tensor<int64_t> ids(Shape{1, static_cast<int64_t>(tokens.size())});
    std::copy(tokens.begin(), tokens.end(), ids.data());
    const auto index = static_cast<int64_t>(c);
    const Tensor<float> logits =
        nano.model.decode_forced(audio.view().slice(index, index + 1), ids);
    const TokenScores s =
        score_tokens(logits.view().sub(0), logits.view().sub(0), tokens, choice.clips[c].prompt);
    double ce = 0;
    for (const double token : s.ce) ce += token;
    CHECK(score.ce == doctest::Approx(ce).epsilon(1e-5));
  }
}

TEST_CASE("an SAE of another width is refused in one line") {
  const Nano nano(6);
  const ClipChoice choice =
      choose_clips(nano.manifest, store::Split::test, 2, nano.model, nano.tokenizer);
  const IdentityReconstructor wide(256);
  const System systems[] = {
      {"wide", model::find_site(nano.model.dims(), "encoder.out"), &wide, {}, true}};
  CHECK(testing::error_of([&] { run_spliced(nano.model, nano.tokenizer, choice, systems, {}); }) ==
        "[encoder.out] expected reconstructions of width 128, got 256. Hint: the SAE belongs "
        "to another site or model.");
}

}  // namespace otoscope::eval
