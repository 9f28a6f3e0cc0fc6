#include "model/tokenizer/vocabulary.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "model/tokenizer/byte_alphabet.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/json.h"
#include "otoscope/model/languages.h"

namespace otoscope::model {
namespace {

std::string spelled(std::string_view spelling, const std::string& where) {
  auto bytes = bytes_of_spelling(spelling);
  if (!bytes)
    throw UserError(where,
                    fmt::format("expected tokens in the byte alphabet, got \"{}\"", spelling),
                    "only byte-level BPE tokenizers are read");
  return *std::move(bytes);
}

bool looks_special(std::string_view token) {
  return token.size() > 4 && token.substr(0, 2) == "<|" && token.substr(token.size() - 2) == "|>";
}

void add_merge(Vocabulary& vocabulary, std::string_view left, std::string_view right) {
  vocabulary.merges.emplace_back(spelled(left, vocabulary.where), spelled(right, vocabulary.where));
}

void add_spaced_merge(Vocabulary& vocabulary, std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
    throw UserError(vocabulary.where,
                    fmt::format("expected a merge of two tokens, got \"{}\"", text),
                    "the file is damaged: fetch it again");
  add_merge(vocabulary, text.substr(0, space), text.substr(space + 1));
}

void add_vocab(Vocabulary& vocabulary, const io::Json& vocab) {
  if (!vocab.is_object())
    throw UserError(vocabulary.where, "expected an object of token to id as vocab",
                    "only byte-level BPE tokenizers are read");
  for (const auto& [token, id] : vocab.items()) {
    if (!id.is_number_integer())
      throw UserError(vocabulary.where, fmt::format("expected a number as id of \"{}\"", token),
                      "the file is damaged: fetch it again");
    vocabulary.put(id.get<int64_t>(), token, looks_special(token));
  }
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  // "\r" goes only if every line ends in it: a token may end in one.
  bool carriage = !lines.empty();
  for (const std::string_view line : lines)
    carriage = carriage && !line.empty() && line.back() == '\r';
  if (carriage)
    for (std::string_view& line : lines) line.remove_suffix(1);
  return lines;
}

}  // namespace

void Vocabulary::put(int64_t id, std::string_view spelling, bool plain) {
  if (id < 0 || id >= static_cast<int64_t>(bytes.size()))
    throw UserError(where,
                    fmt::format("expected ids below {}, the model's vocabulary, got {} for \"{}\"",
                                bytes.size(), id, spelling),
                    "the tokenizer is of another model");
  bytes[static_cast<size_t>(id)] = plain ? std::string(spelling) : spelled(spelling, where);
  if (looks_special(spelling)) specials[std::string(spelling)] = id;
}

Vocabulary parse_tokenizer_json(std::string_view json, std::string_view where, int64_t n_vocab) {
  const io::Json root = io::parse_json(json, where);
  Vocabulary v;
  v.where = where;
  v.bytes.resize(static_cast<size_t>(n_vocab));
  const io::Json& model = io::member_at(root, "model", where);
  add_vocab(v, io::member_at(model, "vocab", where));
  const io::Json& merges = io::member_at(model, "merges", where);
  if (!merges.is_array())
    throw UserError(where, "expected a list at model.merges",
                    "only byte-level BPE tokenizers are read");
  for (const io::Json& merge : merges) {
    if (merge.is_string()) {
      add_spaced_merge(v, merge.get_ref<const std::string&>());
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      add_merge(v, merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>());
    } else {
      throw UserError(where, "expected merges as \"a b\" or [\"a\", \"b\"]",
                      "the file is damaged: fetch it again");
    }
  }
  if (const auto added = root.find("added_tokens"); added != root.end() && added->is_array())
    for (const io::Json& token : *added)
      v.put(io::integer_at(token, "id", where), io::string_at(token, "content", where), true);
  return v;
}

Vocabulary parse_vocab_and_merges(std::string_view vocab, std::string_view merges,
                                  std::string_view added, std::string_view where, int64_t n_vocab) {
  Vocabulary v;
  v.where = where;
  v.bytes.resize(static_cast<size_t>(n_vocab));
  add_vocab(v, io::parse_json(vocab, where));
  for (const std::string_view line : lines_of(merges))
    if (!line.empty() && line.substr(0, 8) != "#version") add_spaced_merge(v, line);
  if (added.empty()) return v;
  const io::Json tokens = io::parse_json(added, where);
  if (tokens.is_object())
    for (const auto& [token, id] : tokens.items())
      if (id.is_number_integer()) v.put(id.get<int64_t>(), token, true);
  return v;
}

Vocabulary parse_token_list(std::string_view text, bool json, std::string_view where,
                            int64_t n_vocab) {
  Vocabulary v;
  v.where = where;
  v.bytes.resize(static_cast<size_t>(n_vocab));
  std::vector<std::string> tokens;
  if (json) {
    const io::Json list = io::parse_json(text, where);
    if (!list.is_array())
      throw UserError(where, "expected a list of tokens", "the file is damaged: fetch it again");
    for (const io::Json& token : list)
      tokens.push_back(token.is_string() ? token.get<std::string>() : std::string());
  } else {
    for (const std::string_view line : lines_of(text)) tokens.emplace_back(line);
  }
  for (size_t id = 0; id < tokens.size(); ++id)
    v.put(static_cast<int64_t>(id), tokens[id], looks_special(tokens[id]));
  return v;
}

bool mend_first_merge(Vocabulary& v) {
  if (v.merges.empty() || v.merges[0] != std::pair<std::string, std::string>{" ", "a"})
    return false;
  for (const auto& token : v.bytes)
    if (token && *token == " t") {
      v.merges.insert(v.merges.begin(), {" ", "t"});
      return true;
    }
  return false;
}

SpecialTokens find_special_tokens(const Vocabulary& v) {
  const auto n_vocab = static_cast<int64_t>(v.bytes.size());
  if (v.specials.find("<|startoftranscript|>") == v.specials.end())
    return special_tokens_of(n_vocab);
  const auto find = [&](std::string_view name) {
    const auto found = v.specials.find(name);
    if (found == v.specials.end())
      throw UserError(v.where, fmt::format("expected the special token {}, which is missing", name),
                      "the tokenizer is not Whisper's");
    return found->second;
  };
  SpecialTokens s;
  s.eot = find("<|endoftext|>");
  s.sot = find("<|startoftranscript|>");
  s.translate = find("<|translate|>");
  s.transcribe = find("<|transcribe|>");
  s.sot_lm = find("<|startoflm|>");
  s.sot_prev = find("<|startofprev|>");
  s.no_timestamps = find("<|notimestamps|>");
  // Called nospeech or nocaptions, or not listed; always the one before (formats.md §1.4, trap e).
  s.no_speech = s.no_timestamps - 1;
  s.timestamp_begin = s.no_timestamps + 1;
  s.first_language = s.sot + 1;
  const int64_t n_languages = s.translate - s.first_language;
  s.n_languages = static_cast<int>(n_languages);
  if (s.sot != s.eot + 1 || n_languages < 1 ||
      n_languages > static_cast<int64_t>(languages().size()) || s.transcribe != s.translate + 1 ||
      s.no_speech <= s.transcribe || s.sot_lm <= s.transcribe || s.sot_prev <= s.transcribe ||
      s.timestamp_begin >= n_vocab)
    throw UserError(v.where, "expected the special tokens in Whisper's order",
                    "the tokenizer is of another model");
  s.multilingual = n_vocab != 51864;  // English-only files list the languages too
  return s;
}

}  // namespace otoscope::model
