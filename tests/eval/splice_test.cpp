#include "otoscope/eval/splice.h"

#include <doctest/doctest.h>

#include <cstring>

#include "eval/nano.h"
#include "otoscope/eval/spliced.h"
#include "support/errors.h"

namespace otoscope::eval {
namespace {

using model::Hook;
using model::Site;
using testing::Nano;

bool same_bits(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(float)) == 0;
}

/// encoder.out of the first clips with one hook, or none.
Tensor<float> encoded(const Nano& nano, const ClipChoice& choice, Hook* hook) {
  const ClipBatch batch =
      load_clips(choice.clips, 0, 3, nano.model.dims(), audio::Padding::waveform_zero);
  model::Rows rows;
  rows.B = 3;
  rows.item = batch.item;
  rows.valid = batch.valid;
  return nano.model.encode(batch.mel, rows, hook ? model::Hooks(&hook, 1) : model::Hooks{});
}

ClipChoice clips_of(const Nano& nano) {
  return choose_clips(nano.manifest, store::Split::test, 6, nano.model, nano.tokenizer);
}

}  // namespace

TEST_CASE("clips are chosen by hash from the split, and the choice of fewer is part of it") {
  const Nano nano(20);
  const ClipChoice all =
      choose_clips(nano.manifest, store::Split::test, 0, nano.model, nano.tokenizer);
  CHECK(all.candidates == 14);
  CHECK(all.clips.size() == 14);
  CHECK_FALSE(all.by_speaker);
  CHECK(all.clusters == 10);
  const ClipChoice some = clips_of(nano);
  CHECK(some.clips.size() == 6);
  for (const SplicedClip& clip : some.clips) {
    CHECK(clip.clip.split == "test");
    CHECK(clip.prompt == 4);
    CHECK(clip.tokens.back() == nano.tokenizer.special().eot);
    CHECK(std::any_of(all.clips.begin(), all.clips.end(),
                      [&](const SplicedClip& c) { return c.clip.id == clip.clip.id; }));
  }
  CHECK(testing::error_of([&] {
          choose_clips(nano.manifest, store::Split::dev, 0, nano.model, nano.tokenizer);
        }).find("expected clips with speech and text in this split, got none") !=
        std::string::npos);
}

TEST_CASE("an error-preserving splice without an edit keeps every bit") {
  const Nano nano(12);
  const ClipChoice choice = clips_of(nano);
  const sae::Sae sae = testing::identity_sae(nano.model.dims().n_audio_state);
  const Site site = model::find_site(nano.model.dims(), "encoder.blocks.0.resid_post");
  const Tensor<float> clean = encoded(nano, choice, nullptr);

  FeatureEdit nothing(site, sae, [](FeatureEdit::Codes&) {});
  CHECK(same_bits(clean, encoded(nano, choice, &nothing)));

  FeatureEdit silent(site, sae, ablate_features({static_cast<int32_t>(sae.F() - 1)}));
  CHECK(same_bits(clean, encoded(nano, choice, &silent)));

  // And the edit does reach the model: a feature that fires.
  FeatureEdit firing(site, sae, ablate_features({0, 5}));
  CHECK_FALSE(same_bits(clean, encoded(nano, choice, &firing)));
}

TEST_CASE("ablating one direction by an edit equals setting it to zero") {
  const Nano nano(12);
  const ClipChoice choice = clips_of(nano);
  const auto d = static_cast<int32_t>(nano.model.dims().n_audio_state);
  const sae::Sae sae = testing::identity_sae(d);
  const Site site = model::find_site(nano.model.dims(), "encoder.blocks.0.resid_post");
  FeatureEdit edit(site, sae, ablate_features({3, d + 3}));
  model::Edit zero(site, [&](const model::Rows& rows, View<float> x) {
    for (int64_t b = 0; b < x.shape[0]; ++b)
      for (int64_t t = 0; t < rows.valid[static_cast<size_t>(b)]; ++t) x.sub(b).at(t, 3) = 0;
  });
  CHECK_CLOSE(encoded(nano, choice, &edit), encoded(nano, choice, &zero), 1e-6);
}

TEST_CASE("padding keeps its values") {
  Tensor<float> x(Shape{2, 5, 3});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  const std::vector<int32_t> valid{2, 0};
  splice_rows(ConstantReconstructor({7, 8, 9}), x, valid);
  CHECK(x.view().sub(0).at(1, 2) == 9);
  CHECK(x.view().sub(0).at(2, 2) == 8);  // its own value
  CHECK(x.view().sub(1).at(0, 0) == 15);
}

TEST_CASE("sites without one row per position are refused") {
  const Nano nano(3);
  const Site site = model::find_site(nano.model.dims(), "encoder.blocks.0.attn_pattern");
  const IdentityReconstructor identity(128);
  CHECK(testing::error_of([&] {
          Splice(site, identity);
        }).find("expected a site with one row per position") != std::string::npos);
}

}  // namespace otoscope::eval
