#include "model/export/token_table.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/vocabulary.h"
#include "otoscope/core/errors.h"

namespace otoscope::model {
namespace {

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

/// Objects of fifty thousand members are written here: ordered ones search their keys one by one.
std::string vocab_object(const TokenTable& table) {
  std::string json = "{";
  for (size_t id = 0; id < table.text.size(); ++id)
    if (table.text[id]) json += quoted(*table.text[id]) + ":" + std::to_string(id) + ",";
  return json + quoted(table.added.front()) + ":" + std::to_string(table.special.eot) + "}";
}

std::string added_token(int64_t id, const std::string& content, bool special) {
  return fmt::format(R"({{"id":{},"content":{},"single_word":false,"lstrip":false,"rstrip":false,)"
                     R"("normalized":false,"special":{}}})",
                     id, quoted(content), special);
}

nlohmann::ordered_json post_processor(const TokenTable& table) {
  const auto name = [&](int64_t id) {
    return table.added[static_cast<size_t>(id - table.special.eot)];
  };
  const SpecialTokens& s = table.special;
  const auto token = [&](int64_t id, int type) {
    return nlohmann::ordered_json{{"SpecialToken", {{"id", name(id)}, {"type_id", type}}}};
  };
  const auto text = [](const char* which, int type) {
    return nlohmann::ordered_json{{"Sequence", {{"id", which}, {"type_id", type}}}};
  };
  nlohmann::ordered_json tokens = nlohmann::ordered_json::object();
  for (const int64_t id : {s.eot, s.no_timestamps, s.sot})
    tokens[name(id)] = {{"id", name(id)},
                        {"ids", nlohmann::ordered_json::array({id})},
                        {"tokens", nlohmann::ordered_json::array({name(id)})}};
  return {{"type", "TemplateProcessing"},
          {"single", nlohmann::ordered_json::array({token(s.sot, 0), token(s.no_timestamps, 0),
                                                    text("A", 0), token(s.eot, 0)})},
          {"pair", nlohmann::ordered_json::array({token(s.sot, 0), token(s.no_timestamps, 0),
                                                  text("A", 0), text("B", 1), token(s.eot, 1)})},
          {"special_tokens", tokens}};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> merges_of_order(
    const std::vector<std::string>& tokens, const std::string& where) {
  std::unordered_map<std::string, size_t> rank;
  for (size_t id = 0; id < tokens.size(); ++id)
    if (!tokens[id].empty()) rank.emplace(tokens[id], id);
  std::vector<std::pair<std::string, std::string>> merges;
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].size() < 2 || rank.at(tokens[id]) != id) continue;
    // What the token's bytes become before its own merge: two parts.
    std::vector<std::string> parts;
    for (const char byte : tokens[id]) parts.emplace_back(1, byte);
    while (parts.size() > 2) {
      size_t best = id, at = 0;
      for (size_t i = 0; i + 1 < parts.size(); ++i)
        if (const auto found = rank.find(parts[i] + parts[i + 1]);
            found != rank.end() && found->second < best)
          best = found->second, at = i;
      if (best == id) break;
      parts[at] += parts[at + 1];
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    if (parts.size() != 2)
      throw UserError(where,
                      fmt::format("expected tokens in the order in which they are made, token {} "
                                  "is made of none before it",
                                  id),
                      "copy the tokenizer.json of this model into its folder");
    merges.emplace_back(std::move(parts[0]), std::move(parts[1]));
  }
  return merges;
}

TokenTable read_token_table(const std::filesystem::path& folder, const Tokenizer& tokenizer) {
  Vocabulary vocabulary = read_vocabulary(folder, tokenizer.n_vocab());
  mend_first_merge(vocabulary);
  TokenTable table;
  table.special = tokenizer.special();
  const auto n_text = static_cast<size_t>(table.special.eot);
  if (vocabulary.merges.empty()) {
    std::vector<std::string> tokens;
    for (size_t id = 0; id < n_text; ++id) tokens.push_back(vocabulary.bytes[id].value_or(""));
    vocabulary.merges = merges_of_order(tokens, vocabulary.where);
  }
  for (const auto& [left, right] : vocabulary.merges)
    table.merges.emplace_back(spelling_of_bytes(left), spelling_of_bytes(right));
  for (size_t id = 0; id < n_text; ++id) {
    const std::optional<std::string>& bytes = vocabulary.bytes[id];
    table.text.push_back(bytes ? std::optional(spelling_of_bytes(*bytes)) : std::nullopt);
  }
  for (int64_t id = table.special.eot; id < tokenizer.n_vocab(); ++id)
    table.added.push_back(tokenizer.bytes(id));
  return table;
}

std::string tokenizer_json(const TokenTable& table) {
  const int64_t eot = table.special.eot;
  std::string added, merges;
  for (size_t i = 0; i < table.added.size(); ++i) {
    const int64_t id = eot + static_cast<int64_t>(i);
    if (table.added[i].empty()) continue;  // an id that nothing names
    added += (added.empty() ? "\n  " : ",\n  ") +
             added_token(id, table.added[i], id < table.special.timestamp_begin);
  }
  for (const auto& [left, right] : table.merges)
    merges += (merges.empty() ? "" : ",") + quoted(left + " " + right);
  return "{\n \"version\": \"1.0\",\n \"truncation\": null,\n \"padding\": null,\n"
         " \"added_tokens\": [" +
         added +
         "\n ],\n \"normalizer\": null,\n"
         " \"pre_tokenizer\": {\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
         "\"trim_offsets\":true,\"use_regex\":true},\n"
         " \"post_processor\": " +
         post_processor(table).dump() +
         ",\n \"decoder\": {\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
         "\"trim_offsets\":true,\"use_regex\":true},\n"
         " \"model\": {\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
         "\"continuing_subword_prefix\":\"\",\"end_of_word_suffix\":\"\",\"fuse_unk\":false,\n"
         "  \"vocab\": " +
         vocab_object(table) + ",\n  \"merges\": [" + merges + "]}\n}\n";
}

std::string vocab_json(const TokenTable& table) { return vocab_object(table) + "\n"; }

std::string merges_txt(const TokenTable& table) {
  std::string text = "#version: 0.2\n";
  for (const auto& [left, right] : table.merges) text += left + " " + right + "\n";
  return text;
}

std::string added_tokens_json(const TokenTable& table) {
  std::string json = "{";
  for (size_t i = 1; i < table.added.size(); ++i)
    if (!table.added[i].empty())
      json += (json.size() > 1 ? ",\n " : "\n ") + quoted(table.added[i]) + ":" +
              std::to_string(table.special.eot + static_cast<int64_t>(i));
  return json + "\n}\n";
}

std::string vocabulary_json(const TokenTable& table) {
  std::string json = "[";
  const auto put = [&json](const std::string& token) {
    json += (json.size() > 1 ? ",\n " : "\n ") + quoted(token);
  };
  for (const std::optional<std::string>& token : table.text) put(token.value_or(""));
  for (const std::string& token : table.added) put(token);
  return json + "\n]\n";
}

}  // namespace otoscope::model
