#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "model/tokenizer/vocabulary.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/model/tokenizer.h"

namespace otoscope::model {
namespace {

constexpr int64_t kLimit = int64_t{64} << 20;

bool present(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
}

std::optional<bool> says_multilingual(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "generation_config.json";
  if (!present(file)) return {};
  const io::Json json = io::read_json(file);
  const auto found = json.find("is_multilingual");
  if (found == json.end() || !found->is_boolean()) return {};
  return found->get<bool>();
}

}  // namespace

Vocabulary read_vocabulary(const std::filesystem::path& folder, int64_t n_vocab) {
  if (const auto file = folder / "tokenizer.json"; present(file))
    return parse_tokenizer_json(io::read_file(file, kLimit), file.string(), n_vocab);
  if (const auto file = folder / "vocab.json"; present(file) && present(folder / "merges.txt")) {
    const auto added = folder / "added_tokens.json";
    return parse_vocab_and_merges(
        io::read_file(file, kLimit), io::read_file(folder / "merges.txt", kLimit),
        present(added) ? io::read_file(added, kLimit) : std::string(), file.string(), n_vocab);
  }
  for (const char* name : {"vocabulary.json", "vocabulary.txt"})
    if (const auto file = folder / name; present(file))
      return parse_token_list(io::read_file(file, kLimit), file.extension() == ".json",
                              file.string(), n_vocab);
  throw UserError(folder.string(),
                  "expected tokenizer.json, vocab.json or vocabulary.txt, got none",
                  "copy the tokenizer of this model into its folder");
}

Tokenizer Tokenizer::load(const std::filesystem::path& folder, int64_t n_vocab,
                          Progress& progress) {
  Tokenizer tokenizer(read_vocabulary(folder, n_vocab), progress);
  if (const auto said = says_multilingual(folder)) tokenizer.special_.multilingual = *said;
  return tokenizer;
}

Tokenizer Tokenizer::from_json(std::string_view json, std::string_view where, int64_t n_vocab,
                               Progress& progress) {
  return Tokenizer(parse_tokenizer_json(json, where, n_vocab), progress);
}

Tokenizer Tokenizer::from_vocabulary(std::string_view lines, std::string_view where,
                                     int64_t n_vocab) {
  return Tokenizer(parse_token_list(lines, false, where, n_vocab), silent_progress());
}

}  // namespace otoscope::model
