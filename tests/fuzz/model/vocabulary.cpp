// Any bytes as the other files that tell a vocabulary (the first byte picks the form): vocab.json,
// merges.txt and added_tokens.json with zero bytes between, or a list in JSON. Tokens below the
// model's size, or a UserError.
#include "model/tokenizer/vocabulary.h"
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  constexpr int64_t kVocab = 1924;
  if (size == 0) return 0;
  std::string_view rest = fuzzing::text_of(data + 1, size - 1);
  try {
    model::Vocabulary vocabulary;
    if (data[0] % 2 == 0) {
      const std::string_view vocab = fuzzing::take_part(rest), merges = fuzzing::take_part(rest);
      vocabulary = model::parse_vocab_and_merges(vocab, merges, rest, "x", kVocab);
    } else {
      vocabulary = model::parse_token_list(rest, true, "x", kVocab);
    }
    if (vocabulary.bytes.size() != static_cast<size_t>(kVocab)) __builtin_trap();
    model::mend_first_merge(vocabulary);
    const model::SpecialTokens special = model::find_special_tokens(vocabulary);
    if (special.timestamp_begin >= kVocab || special.n_languages < 0) __builtin_trap();
  } catch (const UserError&) {
  }
  return 0;
}
