#pragma once
/// A corpus made by espeak-ng, whose phones and words have exact times: sentences x languages x
/// voices x rates x pitches, by seed.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/store/manifest.h"

namespace otoscope::labels {

/// A sentence in one language. Sentences that say the same share their id.
struct Sentence {
  std::string id, language, text;
};

/// `count` sentences of who does what, where and when, each in en, es, fr, it and ru, drawn by seed
/// from the 6,912 that src/labels/data/spoken_sentences.tsv allows.
std::vector<Sentence> made_sentences(int count, uint64_t seed);

struct SpokenOptions {
  int made = 120;             // sentences of made_sentences, each in five languages
  int voices_a_sentence = 2;  // of the sentence's split
  uint64_t seed = 0;
};

/// Speaks `texts` and the made sentences into FOLDER/LANGUAGE/ID@VOICE.wav and describes them in
/// FOLDER/manifest.jsonl, with `phones_timed` and `words_timed`: seconds, exact to a sample; what
/// lies between is silence. 14 voices, each in one split, as is each sentence: 10 train, 2 dev, 2
/// test. They are variants of one synthesiser, so voices that it has not learned are no people that
/// it has not heard. Rate 120 … 240 words a minute and pitch 25 … 75, by seed and clip. The voice
/// that recordings are aligned with is not among them. UserError: no espeak-ng, full disk.
void make_spoken(const std::vector<Sentence>& texts, const std::filesystem::path& folder,
                 const SpokenOptions& options = {}, Progress& progress = silent_progress());

/// The texts of a corpus worth speaking: of at least three words and at most 200 bytes, each once.
std::vector<Sentence> sentences_of(const std::vector<store::Clip>& clips);

/// Makes `spoken` known to store::known_corpora (of the prompts' texts, which it fetches). Once, at
/// the start of a program.
void register_spoken();

}  // namespace otoscope::labels
