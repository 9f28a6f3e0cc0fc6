#pragma once
/// Byte-level BPE as tiktoken does it: two neighbours join if their bytes are a token, the token of
/// lowest rank first, the leftmost on ties. On Whisper's vocabularies this equals joining by the
/// list of merges, because each token there is made by one merge.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "otoscope/model/tokenizer.h"

namespace otoscope::model {

struct Tokenizer::Bpe {
  struct Token {
    int32_t rank = 0;
    int32_t id = 0;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, Token, Hash, std::equal_to<>> tokens;

  void encode(std::string_view piece, std::vector<int64_t>& out) const;
};

}  // namespace otoscope::model
