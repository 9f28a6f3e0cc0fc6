#pragma once
/// What steering is meant to change, as a number from each clip.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "otoscope/eval/clips.h"
#include "otoscope/steer/text_language.h"

namespace otoscope::steer {

/// What the model made of one clip under one edit.
struct Outcome {
  // Teacher-forced over text tokens and eot, nats: sums.
  int64_t tokens = 0, agree = 0;
  double ce = 0, kl = 0;        // kl: of the clean model from the edited one
  std::vector<double> watched;  // sums of the probabilities of Target::tokens()
  // After [sot].
  double no_speech = 0;
  std::vector<double> languages;  // of Target::languages() and the clip's own, softmax over all
  double own_language = 0;
  // Free decoding.
  bool decoded = false;
  std::string text, normalised, detected;
  int64_t words = 0, word_errors = 0, characters = 0, character_errors = 0, length = 0;
  bool empty = false, looping = false;
};

/// value = a/b - c/d over sums (c/d left out where d is 0): ratios keep their denominators, so
/// intervals resample clusters exactly.
struct Parts {
  double a = 0, b = 0, c = 0, d = 0;
};

class Target {
 public:
  virtual ~Target() = default;
  virtual std::string name() const = 0;
  /// True where the text of free decoding is needed.
  virtual bool decodes() const { return false; }
  /// Tokens and languages whose probabilities are wanted.
  virtual std::vector<int64_t> tokens() const { return {}; }
  virtual std::vector<std::string> languages() const { return {}; }
  virtual Parts score(const eval::SplicedClip& clip, const Outcome& outcome) const = 0;
};

/// Share of clips whose text is in `language` by the guesser. Borrows it.
std::unique_ptr<Target> text_language_target(std::string language, const TextLanguage& guesser);
/// Whisper's own probability of `language` after [sot].
std::unique_ptr<Target> language_probability_target(std::string language);
/// Share of clips with text.
std::unique_ptr<Target> has_text_target();
/// Whisper's no-speech probability.
std::unique_ptr<Target> no_speech_target();
/// Mean probability of a token over teacher-forced positions.
std::unique_ptr<Target> token_target(int64_t token, std::string name);
/// KL to the clean model, nats a token.
std::unique_ptr<Target> kl_target();

/// By clip id: for each word of the normalised reference, whether it holds the unit (a phone, …).
using UnitWords = std::map<std::string, std::vector<bool>>;
/// Error rate of words that hold the unit minus that of the other words of the same clips
/// (substituted or deleted; methods.md §5.8, necessity). Clips that are not named are left out.
std::unique_ptr<Target> unit_words_target(std::string unit, UnitWords words);

/// Which words of a reference came out right, by an alignment with the fewest errors.
std::vector<bool> words_right(std::string_view reference, std::string_view hypothesis);

}  // namespace otoscope::steer
