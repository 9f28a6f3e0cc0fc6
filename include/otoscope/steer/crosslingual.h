#pragma once
/// Cross-lingual steering (arXiv:2605.12225, made countable as methods.md §5.7): features chosen on
/// training clips that move Whisper's output from one language to another; how often, against
/// controls, and how much of what was said is kept. Parallel prompts give the reference.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/steer/contrast.h"
#include "otoscope/steer/dose.h"
#include "otoscope/store/manifest.h"

namespace otoscope::steer {

struct CrosslingualOptions {
  std::string from = "en", toward = "es";
  std::vector<int> sizes;        // none: 16, 64, 256
  std::vector<float> strengths;  // none: 0.5, 1, 2, 4
  int64_t dev_clips = 16, test_clips = 40;
  int min_words = 3;  // of a prompt in both languages: what one word is in cannot be told
  int controls = 20, control_every = 2;
  int max_tokens = 32;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("from", o.from, "language of the clips that are steered");
    v("toward", o.toward, "language to steer to");
    v("sizes", o.sizes,
      "how many features are tried, one is chosen on dev; 16,64,256 if not given");
    v("min-words", o.min_words, "prompts of fewer words, in either language, are left out",
      Range{1, 100});
    v("dev-clips", o.dev_clips, "clips that size and strength are chosen on", Range{1, 1e6});
    v("control-every", o.control_every, "controls run on every how many-th clip", Range{1, 1e6});
  }
};

/// Word overlap of a text with a reference in another wording: F1 over words as multisets, after
/// the basic normaliser. 0 where either has none.
double word_overlap(std::string_view reference, std::string_view text);

/// The whole experiment on one pair of languages: choice on dev, one run on test. Clips: those of
/// `from` whose prompt has a text in `toward`. `schema` and `version` are the caller's.
nlohmann::ordered_json steer_language(const model::Whisper& model,
                                      const model::Tokenizer& tokenizer, const sae::Sae& sae,
                                      const store::Store& store, const store::Manifest& manifest,
                                      const CrosslingualOptions& options, const DoseOptions& dose,
                                      Progress& progress = silent_progress());
/// Head and rows for a terminal.
std::vector<std::vector<std::string>> language_table(const nlohmann::ordered_json& json);

}  // namespace otoscope::steer
