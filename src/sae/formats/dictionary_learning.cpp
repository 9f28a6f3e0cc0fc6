#include <nlohmann/json.hpp>

#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/sae/formats.h"
#include "sae/formats/oriented.h"
#include "sae/sizes.h"

namespace otoscope::sae {
namespace {

/// How one dict_class stores its parts.
struct Kind {
  const char* dict_class;
  Activation activation;
  const char* architecture;
  bool linear_names;  // encoder.weight (F, d), decoder.weight (d, F); else W_enc (d, F), W_dec (F,
                      // d)
  const char *encoder_bias, *decoder_bias;
  bool centres;  // the decoder's bias is subtracted from the input
};

constexpr Kind kKinds[] = {
    {"AutoEncoder", Activation::relu, "standard", true, "encoder.bias", "bias", true},
    {"AutoEncoderNew", Activation::relu, "standard", true, "encoder.bias", "decoder.bias", false},
    {"AutoEncoderTopK", Activation::topk, "topk", true, "encoder.bias", "b_dec", true},
    {"BatchTopKSAE", Activation::jumprelu, "batchtopk", true, "encoder.bias", "b_dec", true},
    {"MatryoshkaBatchTopKSAE", Activation::jumprelu, "matryoshka", false, "b_enc", "b_dec", true},
    {"JumpReluAutoEncoder", Activation::jumprelu, "jumprelu", false, "b_enc", "b_dec", false},
    {"GatedAutoEncoder", Activation::gated, "gated", true, "gate_bias", "decoder_bias", true},
};

const Kind& kind_named(const std::string& name, const std::string& where) {
  std::string known;
  for (const Kind& kind : kKinds) {
    if (name == kind.dict_class) return kind;
    known += (known.empty() ? "" : ", ") + std::string(kind.dict_class);
  }
  throw UserError(where, "expected dict_class of " + known + ", got " + name);
}

Tensor<float> thresholds(const io::Safetensors& file, int64_t F, bool one_for_all) {
  if (!one_for_all) return finite_floats(file, "threshold", {F});
  const Tensor<float> stored = file.floats("threshold");
  if (stored.size() != 1)
    throw UserError(file.path().string(),
                    "expected one threshold, got " + std::to_string(stored.size()));
  if (!(stored[0] >= 0))
    throw UserError(file.path().string(),
                    "the threshold was never set (" + std::to_string(stored[0]) + ")",
                    "such an SAE works on whole batches only: train it past the threshold's start");
  Tensor<float> all(Shape{F});
  for (int64_t f = 0; f < F; ++f) all[f] = stored[0];
  return all;
}

}  // namespace

Sae load_dictionary_learning(const std::filesystem::path& folder) {
  const std::string where = (folder / "config.json").string();
  const io::Json config = io::read_json(folder / "config.json");
  const io::Json& trainer = io::member_at(config, "trainer", where);
  const Kind& kind = kind_named(io::string_at(trainer, "dict_class", where), where);
  const int64_t d = size_at(trainer, "activation_dim", where);
  const int64_t F = size_at(trainer, "dict_size", where);
  const auto weights = folder / "ae.safetensors";
  const auto file = io::Safetensors::open(weights);

  Sae sae;
  sae.activation = kind.activation;
  sae.architecture = kind.architecture;
  sae.apply_b_dec_to_input = kind.centres;
  sae.W_enc = kind.linear_names ? finite_floats(file, "encoder.weight", {F, d})
                                : flipped_floats(file, "W_enc", F, d);
  sae.W_dec = kind.linear_names ? flipped_floats(file, "decoder.weight", F, d)
                                : finite_floats(file, "W_dec", {F, d});
  sae.b_enc = finite_floats(file, kind.encoder_bias, {F});
  sae.b_dec = finite_floats(file, kind.decoder_bias, {d});
  if (kind.activation == Activation::gated) {
    sae.b_mag = finite_floats(file, "mag_bias", {F});
    sae.r_mag = finite_floats(file, "r_mag", {F});
  }
  if (kind.activation == Activation::jumprelu)
    sae.threshold = thresholds(file, F, sae.architecture != "jumprelu");
  if (kind.activation == Activation::topk) {
    sae.k = size_at(trainer, "k", where);
    if (sae.k > F) throw UserError(where, "expected k <= dict_size, got " + std::to_string(sae.k));
  }
  if (file.has("group_sizes")) {
    const Tensor<int64_t> groups = file.integers("group_sizes");
    for (int64_t i = 0, width = 0; i < groups.size(); ++i)
      sae.matryoshka_widths.push_back(width += groups[i]);
  }
  if (trainer.contains("lm_name") && trainer["lm_name"].is_string())
    sae.model_name = trainer["lm_name"].get<std::string>();
  if (trainer.contains("submodule_name") && trainer["submodule_name"].is_string())
    sae.site = trainer["submodule_name"].get<std::string>();
  sae.hash = io::sha256_file(weights);
  sae.folder = folder;
  return sae;
}

}  // namespace otoscope::sae
