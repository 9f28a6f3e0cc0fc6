// Any bytes as a text to be normalised, in the language whose two letters come first: valid words
// whose normal form counts as many as itself.
#include "otoscope/model/normalizer.h"
#include "fuzz/folder.h"
#include "otoscope/model/wer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  std::string_view text = fuzzing::text_of(data, size);
  if (text.size() < 2) return 0;
  const std::string_view language = text.substr(0, 2);
  text.remove_prefix(2);
  const std::string normal = model::normalize(text, language);
  model::normalize_basic(text, {true, true});
  // The same text against itself has no errors, however broken it is.
  if (model::word_errors(normal, normal).errors() != 0) __builtin_trap();
  return 0;
}
