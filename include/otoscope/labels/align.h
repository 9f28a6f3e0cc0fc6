#pragma once
/// Phones and words with times for a recording whose text is known, in any language that espeak-ng
/// speaks: the text is spoken by espeak-ng with exact times (labels/espeak.h), and dynamic time
/// warping (Sakoe & Chiba 1978, IEEE ASSP 26) from the synthetic to the human recording carries
/// the times over, as aeneas does for whole sentences. Clips that do not match their text are left
/// out, by score.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/audio/labels.h"
#include "otoscope/core/progress.h"
#include "otoscope/model/whisper.h"
#include "otoscope/store/manifest.h"

namespace otoscope::labels {

struct AlignerOptions {
  std::string variant;     // of espeak-ng's voice ("f2", "klatt", …); "" = the language's own
  double keep_score = 0;   // clips below are left out; 0 = .85, with an encoder .24
  double longest_s = 120;  // longer clips are left out
};

struct Alignment {
  /// phone, word, stress, syllable, silence; empty where nothing could be aligned. Phones carry no
  /// label inside pauses. Quality of each: the score. Present also where `kept` is false, so that a
  /// caller may look at what was refused.
  std::vector<audio::Track> tracks;
  /// 0 … 1, by the features. Cepstra: the share of wrong texts of this length that fit the
  /// recording worse: Φ(margin / its deviation under wrong texts), margin = 1 - cost of the path /
  /// mean cost of paths onto the text's own sounds in three other orders; a wrong text has .5 in
  /// the mean. Encoder: 1 - mean cost of the path / mean cost of all pairs of frames; about .4 for
  /// people's speech. Each tells wrong texts apart best on its own features (docs/labels.md).
  double score = 0;
  bool kept = false;
  std::string why_not;  // where not kept: "no words", "score", "too long", "too short"

  /// The track of a kind; asserts that it is there.
  const audio::Track& track(audio::LabelKind kind) const;
};

class Aligner {
 public:
  /// encoder: frames of a multilingual Whisper's encoder beside cepstra (borrowed); null: cepstra
  /// alone, so that no label depends on a model. The encoder finds people's boundaries better and
  /// tells wrong texts from right ones far better (docs/labels.md).
  /// UserError where this build has no espeak-ng.
  explicit Aligner(AlignerOptions options = {}, const model::Whisper* encoder = nullptr);
  Aligner(Aligner&&) noexcept;
  Aligner& operator=(Aligner&&) noexcept;
  ~Aligner();

  /// pcm: 16 kHz mono in [-1, 1]. language: ISO 639-1 or espeak-ng's name; unknown: UserError with
  /// the nearest. Hostile texts are no error: they are not kept. Safe from several threads.
  Alignment align(std::span<const float> pcm, std::string_view text,
                  std::string_view language) const;

  /// The same for many recordings at once, in parallel; equal results.
  struct Item {
    std::span<const float> pcm;
    std::string_view text, language;
  };
  std::vector<Alignment> align(std::span<const Item> items) const;

  const AlignerOptions& options() const;
  /// "espeak-ng 1.51 + dtw": the tracks' source.
  const std::string& source() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct AlignedClips {
  /// One per clip of the manifest that is speech and has a text and a language, in its order.
  std::vector<audio::ClipLabels> kept;
  int64_t without_text = 0;                 // or without a language, or not speech
  std::map<std::string, int64_t> left_out;  // by reason
  std::vector<double> scores;               // of all that had a text, kept or not
};

/// Decodes and aligns the clips of a manifest, a batch at a time. Interruptible.
AlignedClips align_clips(const Aligner& aligner, std::span<const store::Clip> clips,
                         Progress& progress = silent_progress());

}  // namespace otoscope::labels
