#pragma once
/// Real checkpoints and Debian's prompts, where they have been fetched.

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "otoscope/audio/decode.h"
#include "otoscope/io/fetch.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/model/decode.h"
#include "support/close.h"

namespace otoscope::testing {

inline std::filesystem::path model_path(const std::string& name) {
  return io::home_folder() / "models" / name;
}

inline bool have_model(const std::string& name) {
  const bool have = std::filesystem::exists(model_path(name) / "model.bin");
  if (!have) MESSAGE("skipped: run `otoscope models get ", name, "` first");
  return have;
}

inline bool have_prompts() {
  const bool have =
      std::filesystem::exists(io::home_folder() / "data/prompts/en/followme/sorry.g722");
  if (!have) MESSAGE("skipped: run `otoscope data get prompts` first");
  return have;
}

/// A checkpoint with its tokenizer, loaded once.
struct Real {
  model::Whisper model;
  model::Tokenizer tokenizer;

  explicit Real(const std::string& name)
      : model(model::Whisper::load(model_path(name))), tokenizer(model::load_tokenizer(model)) {}
};
inline const Real& real_base() {
  static const Real one("whisper-base");
  return one;
}
inline const Real& real_tiny_en() {
  static const Real one("whisper-tiny.en");
  return one;
}

inline std::vector<int16_t> prompt_pcm(const std::string& id) {
  std::vector<int16_t> pcm;
  for (const float v : audio::decode_file(io::home_folder() / "data/prompts" / (id + ".g722")))
    pcm.push_back(static_cast<int16_t>(std::lround(v * 32768)));
  return pcm;
}

inline void require_hash(const std::vector<int16_t>& pcm, const io::Json& item) {
  REQUIRE(io::sha256(std::as_bytes(std::span(pcm))) == item["pcm_sha256"].get<std::string>());
}

}  // namespace otoscope::testing
