#pragma once
/// What the different tokenizer files say, before it becomes a Tokenizer.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/model/tokenizer.h"

namespace otoscope::model {

struct Vocabulary {
  std::string where;                                        // the file, for messages
  std::vector<std::optional<std::string>> bytes;            // by id, n_vocab of them
  std::map<std::string, int64_t, std::less<>> specials;     // "<|en|>" -> id
  std::vector<std::pair<std::string, std::string>> merges;  // bytes; rank = place

  void put(int64_t id, std::string_view spelling, bool plain);
};

Vocabulary parse_tokenizer_json(std::string_view json, std::string_view where, int64_t n_vocab);
/// vocab.json, merges.txt, added_tokens.json (the last may be empty).
Vocabulary parse_vocab_and_merges(std::string_view vocab, std::string_view merges,
                                  std::string_view added, std::string_view where, int64_t n_vocab);
/// One token a line; or a JSON array of strings.
Vocabulary parse_token_list(std::string_view text, bool json, std::string_view where,
                            int64_t n_vocab);

/// Of the first tokenizer file that the folder of a model holds. UserError if it holds none.
Vocabulary read_vocabulary(const std::filesystem::path& folder, int64_t n_vocab);

/// Inserts the merge "Ġ t" where an export lost it (formats.md §1.4, trap a); true if it did.
bool mend_first_merge(Vocabulary& vocabulary);

/// By content where the file lists them, else by the size of the vocabulary.
SpecialTokens find_special_tokens(const Vocabulary& vocabulary);

}  // namespace otoscope::model
