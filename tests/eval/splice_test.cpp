#include "otoscope/eval/splice.h"

#include <doctest/doctest.h>

#include "eval/nano.h"
#include "otoscope/eval/spliced.h"
#include "support/errors.h"

namespace otoscope::eval {
namespace {

using model::Site;
using testing::Nano;

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
