#pragma once
/// Labels of a corpus while they are made: steps that add tracks to clips one after another.

#include <set>
#include <span>
#include <string>
#include <vector>

#include "otoscope/labels/make_labels.h"
#include "otoscope/store/manifest.h"

namespace otoscope::labels {

struct Draft {
  const store::Clip* clip = nullptr;
  std::string audio_sha256;  // of its file
  audio::ClipLabels labels;
  std::vector<float> pitch_hz;  // kept until the speaker's thirds are known
  bool decoded = false;
  std::vector<Token> tokens;  // of its text, where its language has an analyser
};

using Kinds = std::set<audio::LabelKind>;

struct Making {
  std::filesystem::path out;
  MakeOptions options;
  Kinds wanted;
  std::vector<Draft> drafts;
  LabelSummary summary;
  Progress& progress;

  bool wants(audio::LabelKind kind) const { return wanted.count(kind) != 0; }
};

/// Language, speaker, gender, sound; phones and words where the manifest states their times.
void add_stated(Making& making, const std::string& manifest_text);
/// Pitch, loudness, silence, and the clip's edges. Sets duration_s and decoded.
void add_measured(Making& making);
/// Phones, words, stress and syllables of clips with a text, by espeak-ng.
void add_aligned(Making& making);
/// Phone classes, syllables and the words' edges, of what is there by now.
void add_derived(Making& making);
/// The tokens of every text.
void analyse_texts(Making& making);
/// Parts of speech and morphemes.
void add_analysed(Making& making);
/// What parallel prompts say, and the concepts of their words.
void add_meaning(Making& making);

}  // namespace otoscope::labels
