#pragma once
/// A tokenizer with nothing left out, as files spell it, and the files made of it (formats.md
/// §1.4).

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/model/tokenizer.h"

namespace otoscope::model {

struct TokenTable {
  SpecialTokens special;
  std::vector<std::optional<std::string>> text;             // ids below eot, in the byte alphabet
  std::vector<std::string> added;                           // eot and all behind it, plain
  std::vector<std::pair<std::string, std::string>> merges;  // in the byte alphabet; rank = place
};

/// Of the folder of a model. Where the folder lists no merges they are found again from the order
/// of the tokens. UserError as Tokenizer::load.
TokenTable read_token_table(const std::filesystem::path& folder, const Tokenizer& tokenizer);

/// The merge that makes each token of two bytes or more, where tokens of lower id make the parts.
/// UserError where a token has none: its text cannot be encoded.
std::vector<std::pair<std::string, std::string>> merges_of_order(
    const std::vector<std::string>& tokens, const std::string& where);

/// tokenizer.json, as the tokenizers library reads it: every added token listed, timestamps not
/// special.
std::string tokenizer_json(const TokenTable& table);
/// {"token": id, …} of text and eot.
std::string vocab_json(const TokenTable& table);
std::string merges_txt(const TokenTable& table);
/// {"<|startoftranscript|>": id, …}
std::string added_tokens_json(const TokenTable& table);
/// CTranslate2's vocabulary.json: every token, place = id.
std::string vocabulary_json(const TokenTable& table);

}  // namespace otoscope::model
