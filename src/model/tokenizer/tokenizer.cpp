#include "otoscope/model/tokenizer.h"

#include <fmt/core.h>

#include <unordered_set>

#include "model/text/unicode.h"
#include "model/tokenizer/bpe.h"
#include "model/tokenizer/non_speech.h"
#include "model/tokenizer/pieces.h"
#include "model/tokenizer/vocabulary.h"
#include "otoscope/core/errors.h"
#include "otoscope/model/languages.h"

namespace otoscope::model {
namespace {

/// Names of the special tokens that a file may leave out.
std::vector<std::pair<int64_t, std::string>> special_names(const SpecialTokens& s,
                                                           int64_t n_vocab) {
  std::vector<std::pair<int64_t, std::string>> names{
      {s.eot, "<|endoftext|>"},       {s.sot, "<|startoftranscript|>"},
      {s.translate, "<|translate|>"}, {s.transcribe, "<|transcribe|>"},
      {s.sot_lm, "<|startoflm|>"},    {s.sot_prev, "<|startofprev|>"},
      {s.no_speech, "<|nospeech|>"},  {s.no_timestamps, "<|notimestamps|>"}};
  for (int i = 0; i < s.n_languages; ++i)
    names.emplace_back(s.first_language + i,
                       fmt::format("<|{}|>", languages()[static_cast<size_t>(i)].code));
  for (int64_t id = s.timestamp_begin; id < n_vocab; ++id)
    names.emplace_back(
        id, fmt::format("<|{:.2f}|>", 0.02 * static_cast<double>(id - s.timestamp_begin)));
  return names;
}

/// A list of merges, where there is one, is the order in which tokens are made; bare vocabularies
/// have their tokens in that order.
template <class Tokens>
void rank_by_merges(Tokens& tokens, const Vocabulary& v) {
  const auto refuse = [&](const std::string& token) {
    throw UserError(v.where,
                    fmt::format("expected every part of a merge in the vocabulary, \"{}\" is not",
                                text::valid_utf8(token)),
                    "the file is damaged: fetch it again");
  };
  std::unordered_set<std::string> seen;
  int32_t rank = 0;
  for (const auto& [left, right] : v.merges) {
    for (const std::string& part : {left, right, left + right})
      if (tokens.find(part) == tokens.end()) refuse(part);
    if (seen.insert(left + right).second) tokens.find(left + right)->second.rank = rank;
    ++rank;
  }
}

}  // namespace

Tokenizer::Tokenizer(Vocabulary v, Progress& progress)
    : n_vocab_(static_cast<int64_t>(v.bytes.size())) {
  if (mend_first_merge(v))
    progress.note(v.where + " lacks its first merge, \"\u0120 t\": put back");
  special_ = find_special_tokens(v);
  bytes_.resize(v.bytes.size());
  for (size_t id = 0; id < bytes_.size(); ++id)
    if (v.bytes[id]) bytes_[id] = *std::move(v.bytes[id]);
  for (auto& [id, name] : special_names(special_, n_vocab_))
    if (bytes_[static_cast<size_t>(id)].empty()) bytes_[static_cast<size_t>(id)] = std::move(name);

  auto bpe = std::make_shared<Bpe>();
  for (int64_t id = special_.eot - 1; id >= 0; --id)
    if (const std::string& token = bytes_[static_cast<size_t>(id)]; !token.empty())
      bpe->tokens[token] = {static_cast<int32_t>(id), static_cast<int32_t>(id)};
  rank_by_merges(bpe->tokens, v);
  for (int byte = 0; byte < 256; ++byte)
    if (bpe->tokens.find(std::string(1, static_cast<char>(byte))) == bpe->tokens.end())
      throw UserError(v.where, fmt::format("expected a token for byte {}, got none", byte),
                      "only byte-level BPE tokenizers are read");
  bpe_ = std::move(bpe);
  blank_ = encode(" ");
  non_speech_ = find_non_speech_tokens(*this);
}

std::vector<int64_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int64_t> ids;
  for (const std::string_view piece : split_pieces(text)) bpe_->encode(piece, ids);
  return ids;
}

const std::string& Tokenizer::bytes(int64_t id) const {
  OTO_ASSERT(id >= 0 && id < n_vocab_);
  return bytes_[static_cast<size_t>(id)];
}

// Bytes are joined first: a character may span several tokens (formats.md §1.4).
std::string Tokenizer::decode(std::span<const int64_t> ids) const {
  std::string joined;
  for (const int64_t id : ids)
    if (id < special_.timestamp_begin) joined += bytes(id);
  return text::valid_utf8(joined);
}

std::string Tokenizer::decode_with_timestamps(std::span<const int64_t> ids) const {
  std::string joined;
  for (const int64_t id : ids) joined += bytes(id);
  return text::valid_utf8(joined);
}

std::string Tokenizer::piece(int64_t id) const {
  const std::string& token = bytes(id);
  std::string readable;
  for (size_t at = 0; at < token.size();) {
    const text::Decoded next = text::decode_at(token, at);
    for (int i = 0; next.broken && i < next.length; ++i)
      readable +=
          fmt::format("<0x{:02X}>", static_cast<unsigned char>(token[at + static_cast<size_t>(i)]));
    if (!next.broken) text::append_utf8(next.point, readable);
    at += static_cast<size_t>(next.length);
  }
  return readable;
}

bool Tokenizer::knows(std::string_view code) const {
  if (!special().multilingual) return code == "en";
  try {
    language_token(code);
    return true;
  } catch (const UserError&) {
    return false;
  }
}

int64_t Tokenizer::language_token(std::string_view code) const {
  const std::string wanted = language_code(code);
  for (int i = 0; i < special_.n_languages; ++i)
    if (languages()[static_cast<size_t>(i)].code == wanted) return special_.first_language + i;
  throw UserError("--language", "expected a language of this model, got " + wanted,
                  "only large-v3 and later know it");
}

std::string Tokenizer::language_of(int64_t token) const {
  OTO_ASSERT(token >= special_.first_language &&
             token < special_.first_language + special_.n_languages);
  return std::string(languages()[static_cast<size_t>(token - special_.first_language)].code);
}

std::vector<int64_t> Tokenizer::sot_sequence(std::string_view language, std::string_view task,
                                             bool no_timestamps) const {
  if (task != "transcribe" && task != "translate")
    throw UserError("--task", "expected transcribe or translate, got " + std::string(task));
  std::vector<int64_t> tokens{special_.sot};
  if (special_.multilingual) {
    tokens.push_back(language_token(language));
    tokens.push_back(task == "transcribe" ? special_.transcribe : special_.translate);
  }
  if (no_timestamps) tokens.push_back(special_.no_timestamps);
  return tokens;
}

std::vector<int64_t> forced_tokens(const Tokenizer& tokenizer, std::string_view language,
                                   std::string_view text, std::string_view task) {
  std::vector<int64_t> tokens = tokenizer.sot_sequence(language, task, true);
  if (const std::string stripped = text::strip(text); !stripped.empty()) {
    const std::vector<int64_t> ids = tokenizer.encode(" " + stripped);
    tokens.insert(tokens.end(), ids.begin(), ids.end());
  }
  tokens.push_back(tokenizer.special().eot);
  return tokens;
}

}  // namespace otoscope::model
