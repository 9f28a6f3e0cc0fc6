#pragma once
/// What a folder says besides weights and tokens, and how each container writes it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "model/export/token_table.h"
#include "otoscope/model/config.h"
#include "otoscope/model/tokenizer.h"

namespace otoscope::model {

struct Settings {
  std::vector<int64_t> suppress;        // never sampled
  std::vector<int64_t> suppress_begin;  // nor these as the first text token
  std::vector<std::pair<int, int>> alignment_heads;
};

/// From generation_config.json or config.json of either dialect; openai-whisper's defaults where
/// the folder says nothing. UserError for lists that are not ids of this vocabulary.
Settings read_settings(const std::filesystem::path& folder, const Dims& dims,
                       const Tokenizer& tokenizer);

/// config.json, generation_config.json, preprocessor_config.json, tokenizer_config.json,
/// special_tokens_map.json and normalizer.json.
void write_hugging_face_settings(const std::filesystem::path& folder, const Dims& dims,
                                 const TokenTable& tokens, const Settings& settings,
                                 const std::string& dtype);
/// CTranslate2's config.json, and the preprocessor_config.json from which its users learn the
/// number of mel bins.
void write_ctranslate2_settings(const std::filesystem::path& folder, const Dims& dims,
                                const TokenTable& tokens, const Settings& settings);

}  // namespace otoscope::model
