/// A tokenizer of foreign bytes (the first byte picks the form): a UserError, or a tokenizer that
/// encodes any text to ids which decode to the same text.

#include "otoscope/model/tokenizer.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    constexpr int64_t kVocab = 1924;
    const auto tokenizer = data[0] % 2 == 0 ? model::Tokenizer::from_json(text, "x", kVocab)
                                            : model::Tokenizer::from_vocabulary(text, "x", kVocab);
    const std::string probe = " it's 100% the se\u00f1or \u4e16\n";
    const auto ids = tokenizer.encode(probe);
    if (tokenizer.decode(ids) != probe) std::abort();
    for (int64_t id = 0; id < kVocab; ++id) tokenizer.piece(id);
    tokenizer.split_to_words(ids, "en");
    tokenizer.decode_with_timestamps(std::vector<int64_t>{0, kVocab - 1});
  } catch (const UserError&) {
  }
  return 0;
}
