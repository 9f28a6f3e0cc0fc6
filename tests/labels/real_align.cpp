#include <doctest/doctest.h>

#include "otoscope/labels/check_alignment.h"
#include "otoscope/labels/espeak.h"
#include "otoscope/model/registry.h"
#include "otoscope/store/corpora.h"

using namespace otoscope;
using namespace otoscope::labels;

TEST_CASE("texts of the prompts are aligned, those of others are told apart" *
          doctest::skip(!espeak_available())) {
  const auto prompts = store::get_corpus(store::known_corpus("prompts"));
  model::get_model(model::known_model("whisper-base"));
  const model::Whisper whisper = model::Whisper::load("whisper-base", {Precision::bf16, {}});
  const Aligner aligner({}, &whisper);
  CheckAlignmentOptions options;
  options.clips = 5;
  options.seed = 11;
  const AlignmentCheck check =
      check_alignment(aligner, &whisper, store::read_manifest(prompts).clips, options);
  const BoundaryCheck& phones = check.phones_of_voices.at("all");
  CHECK(phones.median_ms.n > 500);
  CHECK(phones.median_ms.value < 8);
  CHECK(phones.p90_ms.value < 35);
  CHECK(check.auroc > 0.93);
  CHECK(check.right_kept.value > 0.8);
  CHECK(check.wrong_kept.value < 0.2);
  const BoundaryCheck& words = check.words_of_whisper.at("all");
  CHECK(words.median_ms.n > 50);
  CHECK(words.median_ms.value < 120);
}
