#pragma once
/// The word that a feature's examples share more than chance would have it: a pointer for
/// listening, not a name.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace otoscope::serve {

/// Lower-case words of a text; letters beyond ASCII are kept as they are.
std::vector<std::string> words_of(const std::string& text);

struct SharedWord {
  std::string word;
  int examples = 0;  // of the texts, how many hold it
  double surprise =
      0;  // -log10 P(at least so many by chance), binomial, given how common the word is
};

/// document_frequency: in how many of all n_documents texts each word occurs.
SharedWord shared_word(const std::vector<std::string>& texts,
                       const std::map<std::string, int64_t>& document_frequency,
                       int64_t n_documents);

}  // namespace otoscope::serve
