#pragma once
/// What words mean, the same in all languages: a lexicon of concepts learned from prompts that say
/// the same in several languages, and checked against dictionaries that it never saw.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "otoscope/labels/analysers.h"

namespace otoscope::labels {

/// A prompt in one language: the lemmas of its words (or the words), in any order.
struct ParallelText {
  std::string prompt_id, language;
  std::vector<std::string> lemmas;
};

struct ConceptOptions {
  int64_t least_languages = 3;
  int64_t least_together = 2;  // prompts that hold both words of a pair
  double least_dice = 0.5;     // 2 n_ab / (n_a + n_b), over prompts
};

struct Concept {
  std::string name;                           // the English lemma, else another's with its language
  std::map<std::string, std::string> lemmas;  // by language; every two translate each other
  int64_t prompts = 0;                        // that hold at least two of them
};

/// Two words translate each other where each is the other's best by Dice's coefficient over prompts
/// (Melamed 2000, Computational Linguistics 26(2), one-to-one) above the options' bounds, or where
/// both are all that a prompt says. A concept is a set of lemmas, one a language, all of which
/// translate each other. Ordered by name.
std::vector<Concept> learn_concepts(std::span<const ParallelText> texts,
                                    const ConceptOptions& options = {});

/// How a lexicon fares against dictionaries: pairs that they hold an entry for, and those of them
/// that they translate alike. Control: each lemma against the next concept's.
struct DictionaryCheck {
  std::string pair;  // "en-es", or "fr-it" by way of Catalan
  int64_t known = 0, confirmed = 0;
  int64_t control_known = 0, control_confirmed = 0;
};

/// Through Apertium's bilingual dictionaries; those whose packages are missing are left out. A
/// lemma is looked up with the tags of its readings.
std::vector<DictionaryCheck> check_concepts(
    std::span<const Concept> concepts,
    const std::map<std::string, std::vector<std::vector<Token>>>& tokens_by_language);

/// The lemmas of a token's readings, lower case; of an unknown word, the word itself.
std::vector<std::string> lemmas_of(const Token& token);

}  // namespace otoscope::labels
