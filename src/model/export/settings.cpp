#include "model/export/settings.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/model/languages.h"

namespace otoscope::embedded {
extern const std::string_view british_american;  // src/model/data/british_american.tsv
}

namespace otoscope::model {
namespace {

namespace fs = std::filesystem;
using io::Json;
using io::OrderedJson;

/// The ids under one of `keys` in the first of the folder's files that has it; nothing where none
/// has, or where it says -1 ("the default set").
std::optional<std::vector<int64_t>> read_ids(const fs::path& folder,
                                             std::initializer_list<const char*> keys,
                                             int64_t n_vocab) {
  for (const char* name : {"generation_config.json", "config.json"}) {
    const fs::path file = folder / name;
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) continue;
    const Json json = io::read_json(file);
    for (const char* key : keys) {
      const auto found = json.is_object() ? json.find(key) : json.end();
      if (found == json.end() || found->is_null()) continue;
      std::vector<int64_t> ids;
      bool good = found->is_array();
      for (size_t i = 0; good && i < found->size(); ++i) {
        good = (*found)[i].is_number_integer();
        if (good) ids.push_back((*found)[i].get<int64_t>());
        good = good && ids.back() >= -1 && ids.back() < n_vocab;
      }
      if (!good)
        throw UserError(file.string(), std::string("expected ids of this vocabulary at ") + key,
                        "mend or delete the entry");
      if (std::find(ids.begin(), ids.end(), -1) != ids.end()) return {};
      return ids;
    }
  }
  return {};
}

std::vector<int64_t> language_ids(const SpecialTokens& special) {
  std::vector<int64_t> ids;
  for (int i = 0; i < special.n_languages; ++i) ids.push_back(special.first_language + i);
  return ids;
}

OrderedJson config_of(const Dims& dims, const SpecialTokens& special, const std::string& dtype) {
  return {{"architectures", {"WhisperForConditionalGeneration"}},
          {"model_type", "whisper"},
          {"d_model", dims.n_audio_state},
          {"encoder_layers", dims.n_audio_layer},
          {"decoder_layers", dims.n_text_layer},
          {"num_hidden_layers", dims.n_audio_layer},
          {"encoder_attention_heads", dims.n_audio_head},
          {"decoder_attention_heads", dims.n_text_head},
          {"encoder_ffn_dim", 4 * dims.n_audio_state},
          {"decoder_ffn_dim", 4 * dims.n_text_state},
          {"num_mel_bins", dims.n_mels},
          {"max_source_positions", dims.n_audio_ctx},
          {"max_target_positions", dims.n_text_ctx},
          {"vocab_size", dims.n_vocab},
          {"activation_function", "gelu"},
          {"scale_embedding", false},
          {"tie_word_embeddings", true},
          {"is_encoder_decoder", true},
          {"bos_token_id", special.eot},
          {"eos_token_id", special.eot},
          {"pad_token_id", special.eot},
          {"decoder_start_token_id", special.sot},
          {"dropout", 0.0},
          {"attention_dropout", 0.0},
          {"activation_dropout", 0.0},
          {"encoder_layerdrop", 0.0},
          {"decoder_layerdrop", 0.0},
          {"init_std", 0.02},
          {"use_cache", true},
          {"torch_dtype", dtype == "f16" ? "float16" : "float32"}};
}

/// No forced_decoder_ids: those of older exports force English.
OrderedJson generation_of(const Dims& dims, const TokenTable& tokens, const Settings& settings) {
  const SpecialTokens& s = tokens.special;
  OrderedJson json = {{"alignment_heads", settings.alignment_heads},
                      {"begin_suppress_tokens", settings.suppress_begin},
                      {"suppress_tokens", settings.suppress},
                      {"bos_token_id", s.eot},
                      {"eos_token_id", s.eot},
                      {"pad_token_id", s.eot},
                      {"decoder_start_token_id", s.sot},
                      {"is_multilingual", s.multilingual},
                      {"no_timestamps_token_id", s.no_timestamps},
                      {"prev_sot_token_id", s.sot_prev},
                      {"max_initial_timestamp_index", 50},
                      {"max_length", dims.n_text_ctx},
                      {"return_timestamps", false}};
  if (!s.multilingual) return json;
  OrderedJson languages = OrderedJson::object();
  for (const int64_t id : language_ids(s))
    languages[tokens.added[static_cast<size_t>(id - s.eot)]] = id;
  json["lang_to_id"] = languages;
  json["task_to_id"] = {{"transcribe", s.transcribe}, {"translate", s.translate}};
  return json;
}

OrderedJson preprocessor_of(const Dims& dims) {
  const int64_t samples = int64_t{dims.n_audio_ctx} * audio::kFrameSamples;
  return {{"feature_extractor_type", "WhisperFeatureExtractor"},
          {"processor_class", "WhisperProcessor"},
          {"feature_size", dims.n_mels},
          {"sampling_rate", audio::kSampleRate},
          {"n_fft", 400},
          {"hop_length", audio::kHopSamples},
          {"chunk_length", samples / audio::kSampleRate},
          {"n_samples", samples},
          {"nb_max_frames", dims.n_mel_frames()},
          {"padding_value", 0.0},
          {"padding_side", "right"},
          {"return_attention_mask", false},
          {"dither", 0.0}};
}

OrderedJson special_tokens_map(const TokenTable& tokens) {
  const std::string& end = tokens.added.front();
  OrderedJson others = OrderedJson::array();
  for (int64_t id = tokens.special.eot + 1; id < tokens.special.timestamp_begin; ++id)
    others.push_back(tokens.added[static_cast<size_t>(id - tokens.special.eot)]);
  return {{"bos_token", end},
          {"eos_token", end},
          {"pad_token", end},
          {"unk_token", end},
          {"additional_special_tokens", others}};
}

OrderedJson tokenizer_config(const Dims& dims, const TokenTable& tokens) {
  OrderedJson json = special_tokens_map(tokens);
  json["tokenizer_class"] = "WhisperTokenizer";
  json["processor_class"] = "WhisperProcessor";
  json["add_prefix_space"] = false;
  json["clean_up_tokenization_spaces"] = false;  // text as it was decoded, spaces included
  json["errors"] = "replace";
  json["model_max_length"] = dims.n_text_ctx;
  return json;
}

OrderedJson spellings() {
  OrderedJson json = OrderedJson::object();
  for (const std::string& line : split(embedded::british_american, '\n'))
    if (const size_t tab = line.find('\t'); tab != line.npos && line[0] != '#')
      json.push_back({line.substr(0, tab), line.substr(tab + 1)});
  return json;
}

}  // namespace

Settings read_settings(const fs::path& folder, const Dims& dims, const Tokenizer& tokenizer) {
  const SpecialTokens& s = tokenizer.special();
  Settings settings;
  settings.alignment_heads = alignment_heads(folder, dims);
  if (auto ids = read_ids(folder, {"suppress_tokens", "suppress_ids"}, dims.n_vocab)) {
    settings.suppress = *std::move(ids);
  } else {
    settings.suppress = tokenizer.non_speech_tokens();
    for (const int64_t id : {s.sot, s.translate, s.transcribe, s.sot_lm, s.sot_prev, s.no_speech})
      settings.suppress.push_back(id);
    std::sort(settings.suppress.begin(), settings.suppress.end());
  }
  if (auto ids = read_ids(folder, {"begin_suppress_tokens", "suppress_ids_begin"}, dims.n_vocab)) {
    settings.suppress_begin = *std::move(ids);
  } else {
    settings.suppress_begin = tokenizer.blank_tokens();
    settings.suppress_begin.push_back(s.eot);
  }
  return settings;
}

void write_hugging_face_settings(const fs::path& folder, const Dims& dims, const TokenTable& tokens,
                                 const Settings& settings, const std::string& dtype) {
  io::write_json(folder / "config.json", config_of(dims, tokens.special, dtype));
  io::write_json(folder / "generation_config.json", generation_of(dims, tokens, settings));
  io::write_json(folder / "preprocessor_config.json", preprocessor_of(dims));
  io::write_json(folder / "tokenizer_config.json", tokenizer_config(dims, tokens));
  io::write_json(folder / "special_tokens_map.json", special_tokens_map(tokens));
  io::write_json(folder / "normalizer.json", spellings());
}

void write_ctranslate2_settings(const fs::path& folder, const Dims& dims, const TokenTable& tokens,
                                const Settings& settings) {
  io::write_json(folder / "config.json",
                 OrderedJson{{"alignment_heads", settings.alignment_heads},
                             {"lang_ids", language_ids(tokens.special)},
                             {"suppress_ids", settings.suppress},
                             {"suppress_ids_begin", settings.suppress_begin}});
  io::write_json(folder / "preprocessor_config.json", preprocessor_of(dims));
}

}  // namespace otoscope::model
