#pragma once
/// Parts of speech and morphology through Debian's Apertium packages (Forcada et al. 2011, Machine
/// Translation 25), run as programs: lt-proc, cg-proc, apertium-tagger. An optional component
/// (GPL-2+, docs/licences.md): without it the kinds are left out.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/audio/labels.h"
#include "otoscope/core/progress.h"

namespace otoscope::labels {

/// One reading of a token: "del" is de<pr> + el<det><def><m><sg>.
struct Reading {
  struct Part {
    std::string lemma;
    std::vector<std::string> tags;
  };
  std::vector<Part> parts;
};

struct Token {
  std::string surface;
  std::vector<Reading> readings;  // what is left after disambiguation; none = unknown word
};

/// A line of Apertium's stream, "^surface/lemma<tag><tag>/…$": the tokens in it. Broken: UserError
/// "[where] …" with the byte.
std::vector<Token> parse_stream_line(std::string_view line, std::string_view where);

/// "apertium-eng-spa", … for en, es, fr, it, ru; "" for other languages.
std::string analyser_package(std::string_view language);
/// "" where texts of this language can be analysed, else one line that says what is missing.
std::string analyser_missing(std::string_view language);
/// "apertium eng 0.8.1": the source of tracks. Needs the component.
std::string analyser_source(std::string_view language);

/// The tokens of every text, all texts in one run of the programs. UserError where the component is
/// missing or a program fails.
std::vector<std::vector<Token>> analyse(std::string_view language,
                                        std::span<const std::string> texts);

/// "noun", "proper noun", "verb", … of a part; "" for punctuation.
std::string part_of_speech(const Reading::Part& part);
/// "number=plural", "tense=past", "case=genitive", …
std::vector<std::string> morphemes(const Reading::Part& part);

/// For each word label the tokens that spell it: indices, empty where the spelling does not match.
std::vector<std::vector<int32_t>> tokens_of_words(std::span<const audio::Label> words,
                                                  std::span<const Token> tokens);

struct WordCounts {
  int64_t words = 0, unknown = 0;
  int64_t ambiguous = 0;  // more than one reading; they carry the set of values
  int64_t spelled_otherwise = 0;
};

/// Tracks of one kind (part_of_speech or morpheme) over the words of a clip. Unknown words split a
/// track: nothing is known there.
std::vector<audio::Track> analysed_tracks(audio::LabelKind kind, const audio::Track& words,
                                          std::span<const Token> tokens, std::string source,
                                          WordCounts* counts = nullptr);

}  // namespace otoscope::labels
