#pragma once
/// The failure put right (methods.md §5.6): how often the model writes text where nobody speaks,
/// which features foretell it, the smallest recipe that stops it, what that costs on speech, and
/// whether a voice-activity detector in front does it as well. Chosen on train and dev, reported on
/// test.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/sae/sae.h"
#include "otoscope/steer/suppress_vad.h"
#include "otoscope/store/manifest.h"

namespace otoscope::steer {

struct SuppressOptions {
  std::string language = "en";
  int per_source = 2;
  double choosing = .1;
  int sounds_choosing = 0, sounds_test = 0, speech_choosing = 0, speech_test = 0;
  int search = 16, fine = 64, always = 0;
  int controls = 20;
  int mixed = 64;
  double limit = .005;
  int replicates = 2000;
  uint64_t seed = 0;  // the command line's own --seed

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("language", o.language, "language token on sounds without speech; speech has its own");
    v("per-source", o.per_source, "most windows of one source of sound, 0 = all", Range{0, 1000});
    v("choosing", o.choosing, "share of the prompts that recipes are chosen on", Range{.01, .9});
    v("sounds-choosing", o.sounds_choosing, "most windows of sound in train and dev, 0 = all",
      Range{0, 1e6});
    v("sounds-test", o.sounds_test, "most windows of sound in test, 0 = all", Range{0, 1e6});
    v("speech-choosing", o.speech_choosing, "most clips of speech in train and dev, 0 = all",
      Range{0, 1e6});
    v("speech-test", o.speech_test, "most clips of speech that guard the recipe, 0 = all",
      Range{0, 1e6});
    v("search", o.search,
      "windows of sound, and clips of speech, that always-on edits are tried on", Range{4, 10000});
    v("fine", o.fine, "the same for the gains of the most promising edit", Range{4, 10000});
    v("always", o.always, "most test sounds, and clips of speech, for the always-on edit, 0 = all",
      Range{0, 1e6});
    v("controls", o.controls, "random features, and random directions, beside the recipe",
      Range{1, 200});
    v("mixed", o.mixed, "test clips of speech with a test sound under them, 0 = none",
      Range{0, 10000});
    v("limit", o.limit, "largest rise of the word error rate that counts as no harm", Range{0, 1});
    v("replicates", o.replicates, "bootstrap replicates", Range{100, 100000});
  }
  /// The form of the demo: fewer windows and controls, said in the result.
  void make_quick();
};

struct SuppressInputs {
  const model::Whisper& model;
  const model::Tokenizer& tokenizer;
  std::string model_name;
  std::vector<const sae::Sae*> saes;  // of sites of the encoder
  const store::Manifest& sounds;
  const store::Manifest& speech;
  std::optional<VadFindings> vad;
};

/// Writes OUT/suppress.json, OUT/recipes/quiet.json and, where speech is mixed with sounds, the
/// mixtures under OUT/mixed with a manifest (for the detector in front); windows that were heard
/// are kept in OUT/cache. Returns what is in suppress.json (docs/steer.md).
nlohmann::ordered_json suppress(const SuppressInputs& inputs, const SuppressOptions& options,
                                bool quick, const std::filesystem::path& out, Progress& progress);

/// The tables of a suppress.json for a terminal: title, then rows; the first row is the head.
struct TextTable {
  std::string title;
  std::vector<std::vector<std::string>> rows;
  std::string note;
};
std::vector<TextTable> suppress_tables(const nlohmann::ordered_json& result);

}  // namespace otoscope::steer
