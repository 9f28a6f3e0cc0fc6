/// Hugging Face folders: config.json and model.safetensors, or its shards by index.json
/// (formats.md §1.1 and §1.2).

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

#include "model/checkpoint.h"
#include "model/export/names.h"
#include "model/read_config.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::model {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostConfig = int64_t{64} << 20;

/// One safetensors file or several, seen as one set of tensors.
class Shards : public TensorSource {
 public:
  explicit Shards(const fs::path& folder) {
    const fs::path index = folder / "model.safetensors.index.json";
    if (!fs::exists(index)) {
      add(folder / "model.safetensors");
      return;
    }
    const io::Json json = io::read_json(index);
    const io::Json& map = io::member_at(json, "weight_map", index.string());
    if (!map.is_object())
      throw UserError(index.string(), "expected an object at weight_map, got something else");
    std::map<std::string, std::string> named;
    std::set<std::string> files;
    for (const auto& [name, file] : map.items()) {
      if (!file.is_string())
        throw UserError(index.string(), "expected a file name for " + name + " in weight_map");
      named[name] = file.get<std::string>();
      files.insert(named[name]);
    }
    for (const std::string& file : files) add(io::inside(folder, file, index.string()));
    for (const auto& [name, file] : named)
      if (!has(name) || files_[at_.at(name)].path().filename() != fs::path(file).filename())
        throw UserError(index.string(),
                        "expected tensor " + name + " in " + file + ", got a shard without it",
                        "fetch the folder again");
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    for (const auto& [name, file] : at_) all.push_back(name);
    return all;
  }
  bool has(std::string_view name) const override { return at_.find(name) != at_.end(); }
  Shape shape(std::string_view name) const override { return file_of(name).info(name).shape; }
  Tensor<float> floats(std::string_view name) const override { return file_of(name).floats(name); }
  std::string where(std::string_view name) const override {
    const auto found = at_.find(name);
    return files_[found == at_.end() ? 0 : found->second].path().string();
  }

 private:
  void add(const fs::path& path) {
    files_.push_back(io::Safetensors::open(path));
    for (const std::string& name : files_.back().names())
      if (!at_.emplace(name, files_.size() - 1).second)
        throw UserError(path.string(), "expected each tensor in one shard, got " + name + " in two",
                        "fetch the folder again");
  }
  const io::Safetensors& file_of(std::string_view name) const {
    return files_[at_.find(name)->second];
  }
  std::vector<io::Safetensors> files_;
  std::map<std::string, size_t, std::less<>> at_;
};

int count_layers(const TensorSource& source, const std::string& before, const std::string& after) {
  int n = 0;
  while (n < 4096 && source.has(before + std::to_string(n) + after)) ++n;
  return n;
}

Dims read_dims(const TensorSource& source, const std::string& prefix) {
  Dims dims;
  const Shape conv1 = shape_checked(source, prefix + "encoder.conv1.weight", 3);
  const Shape audio = shape_checked(source, prefix + "encoder.embed_positions.weight", 2);
  const Shape tokens = shape_checked(source, prefix + "decoder.embed_tokens.weight", 2);
  const Shape text = shape_checked(source, prefix + "decoder.embed_positions.weight", 2);
  const auto small = [](int64_t size) {
    return static_cast<int>(std::min<int64_t>(size, 1 << 30));
  };
  dims.n_audio_state = small(conv1[0]), dims.n_mels = small(conv1[1]);
  dims.n_audio_ctx = small(audio[0]), dims.n_text_ctx = small(text[0]);
  dims.n_vocab = small(tokens[0]), dims.n_text_state = small(tokens[1]);
  dims.n_audio_layer = count_layers(source, prefix + "encoder.layers.", ".fc1.weight");
  dims.n_text_layer = count_layers(source, prefix + "decoder.layers.", ".fc1.weight");
  return dims;
}

}  // namespace

void read_config(std::string_view text, std::string_view where, Dims& dims) {
  const io::Json config = io::parse_json(text, where);
  if (config.is_object() && config.contains("model_type") && config["model_type"] != "whisper")
    throw UserError(where, "expected model_type whisper, got " + config["model_type"].dump());
  const auto same = [&](const char* key, int64_t tensors) {
    const int64_t stated = io::integer_at(config, key, where);
    if (stated != tensors)
      throw UserError(where,
                      std::string("expected ") + key + " " + std::to_string(tensors) +
                          " as in the tensors, got " + std::to_string(stated),
                      "config.json and the weights belong to different models");
  };
  same("d_model", dims.n_audio_state);
  same("encoder_layers", dims.n_audio_layer);
  same("decoder_layers", dims.n_text_layer);
  same("encoder_ffn_dim", 4 * int64_t{dims.n_audio_state});
  same("decoder_ffn_dim", 4 * int64_t{dims.n_text_state});
  same("num_mel_bins", dims.n_mels);
  same("max_source_positions", dims.n_audio_ctx);
  same("max_target_positions", dims.n_text_ctx);
  same("vocab_size", dims.n_vocab);
  const auto heads = [&](const char* key) {
    const int64_t n = io::integer_at(config, key, where);
    return static_cast<int>(std::clamp<int64_t>(n, 0, 1 << 30));
  };
  dims.n_audio_head = heads("encoder_attention_heads");
  dims.n_text_head = heads("decoder_attention_heads");
  if (config.contains("activation_function") && config["activation_function"] != "gelu")
    throw UserError(
        where, "expected activation_function gelu, got " + config["activation_function"].dump());
  if (config.contains("scale_embedding") && config["scale_embedding"] == true)
    throw UserError(where, "expected scale_embedding false, got true");
}

namespace {

void check_tied_head(const TensorSource& source, const std::string& name,
                     const Tensor<float>& embedding) {
  const Tensor<float> head = read_checked(source, name, embedding.shape());
  if (!std::equal(head.data(), head.data() + head.size(), embedding.data()))
    throw UserError(source.where(name), "expected " + name + " equal to the token embedding",
                    "models with an output head of their own are not Whisper's architecture");
}

}  // namespace

Checkpoint read_hugging_face(const fs::path& folder, Progress& progress) {
  const Shards source(folder);
  const std::string prefix = source.has("encoder.conv1.weight") ? "" : "model.";
  Checkpoint checkpoint;
  checkpoint.dims = read_dims(source, prefix);
  const fs::path config = folder / "config.json";
  read_config(io::read_file(config, kMostConfig), config.string(), checkpoint.dims);
  check_dims(checkpoint.dims, folder.string());

  const auto expected = expected_tensors(checkpoint.dims);
  std::set<std::string> used;
  progress.start("reading weights", static_cast<int64_t>(expected.size()), "tensors");
  for (const ExpectedTensor& tensor : expected) {
    const std::string name = hugging_face_name(tensor.name, prefix);
    checkpoint.tensors.emplace(tensor.name, read_checked(source, name, tensor.shape));
    used.insert(name);
    progress.advance(static_cast<int64_t>(used.size()));
  }
  progress.finish();
  if (source.has("proj_out.weight"))
    check_tied_head(source, "proj_out.weight",
                    checkpoint.tensors.at("decoder.token_embedding.weight"));
  for (const std::string& name : source.names())
    if (!used.contains(name) && name != "proj_out.weight")
      throw UserError(source.where(name),
                      "expected the tensors of a Whisper model, got also " + name,
                      "adapters must be merged before the model is loaded");
  return checkpoint;
}

}  // namespace otoscope::model
