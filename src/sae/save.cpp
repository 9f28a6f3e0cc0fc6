#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/sae/sae.h"
#include "sae/layout.h"

namespace otoscope::sae {
namespace {

/// The version of SAELens whose layout this is. Without it SAELens takes the file for an old one.
constexpr const char* kSaeLensVersion = "6.54.12";

const char* normalize_name(Normalize normalize) {
  switch (normalize) {
    case Normalize::constant_norm_rescale:
      return "constant_norm_rescale";
    case Normalize::layer_norm:
      return "layer_norm";
    case Normalize::none:
      break;
  }
  return "none";
}

io::Json object_or_empty(const std::string& text) {
  return text.empty() ? io::Json::object() : io::Json::parse(text);
}

/// Keys sorted, so that a file that was read and written again has the same bytes.
io::Json metadata_of(const Sae& sae) {
  io::Json metadata = object_or_empty(sae.saelens);
  if (!metadata.contains("sae_lens_version")) metadata["sae_lens_version"] = kSaeLensVersion;
  if (!metadata.contains("sae_lens_training_version"))
    metadata["sae_lens_training_version"] = kSaeLensVersion;
  metadata["model_name"] = sae.model_name;
  metadata["hook_name"] = sae.site;
  if (!sae.target_site.empty()) metadata["hook_name_out"] = sae.target_site;
  // SAELens reads these two when it builds prompts; we have none.
  if (!metadata.contains("prepend_bos")) metadata["prepend_bos"] = false;
  if (!metadata.contains("training_architecture"))
    metadata["training_architecture"] = sae.architecture;
  io::Json ours = object_or_empty(sae.otoscope);
  ours["sha256"] = sae.hash;
  ours["architecture"] = sae.architecture;
  if (!sae.model_hash.empty()) ours["model_hash"] = sae.model_hash;
  if (!sae.matryoshka_widths.empty()) ours["matryoshka_widths"] = sae.matryoshka_widths;
  metadata["otoscope"] = ours;
  return metadata;
}

io::OrderedJson config_of(const Sae& sae, const Layout& layout) {
  io::OrderedJson cfg;
  cfg["d_in"] = sae.d();
  cfg["d_sae"] = sae.F();
  if (layout.transcoder) cfg["d_out"] = sae.d_out();
  cfg["dtype"] = "float32";
  cfg["device"] = "cpu";
  cfg["apply_b_dec_to_input"] = sae.apply_b_dec_to_input;
  cfg["normalize_activations"] = normalize_name(sae.normalize);
  cfg["reshape_activations"] = "none";
  if (sae.activation == Activation::topk) {
    cfg["k"] = sae.k;
    cfg["rescale_acts_by_decoder_norm"] = sae.rescale_by_decoder_norm;
  }
  cfg["architecture"] = layout.name;
  cfg["metadata"] = io::OrderedJson::parse(metadata_of(sae).dump());
  return cfg;
}

}  // namespace

void save(Sae& sae, const std::filesystem::path& folder) {
  const Layout& layout = layout_of(sae);
  const int64_t d = sae.d(), d_out = sae.d_out(), F = sae.F();
  OTO_ASSERT((sae.W_dec.shape() == Shape{F, d_out}) && (sae.b_dec.shape() == Shape{d_out}));
  OTO_ASSERT(!(layout.transcoder && sae.apply_b_dec_to_input));
  io::make_folder(folder);
  const Tensor<float> W_enc = transposed_copy(sae.W_enc);
  std::vector<io::NamedTensor> tensors;
  tensors.push_back(io::named("W_enc", W_enc.view()));
  tensors.push_back(io::named("W_dec", sae.W_dec.view()));
  tensors.push_back(io::named("b_dec", sae.b_dec.view()));
  if (layout.activation == Activation::gated) {
    tensors.push_back(io::named("b_gate", sae.b_enc.view()));
    tensors.push_back(io::named("b_mag", sae.b_mag.view()));
    tensors.push_back(io::named("r_mag", sae.r_mag.view()));
  } else {
    tensors.push_back(io::named("b_enc", sae.b_enc.view()));
  }
  if (layout.activation == Activation::jumprelu) {
    OTO_ASSERT(sae.threshold.shape() == Shape{F});
    tensors.push_back(io::named("threshold", sae.threshold.view()));
  }
  if (layout.skip) {
    OTO_ASSERT((sae.W_skip.shape() == Shape{d_out, d}));
    tensors.push_back(io::named("W_skip", sae.W_skip.view()));
  }
  // Weights first: a folder with a cfg.json is whole.
  sae.hash = io::write_safetensors(folder / "sae_weights.safetensors", std::move(tensors));
  io::write_json(folder / "cfg.json", config_of(sae, layout));
  sae.folder = folder;
}

}  // namespace otoscope::sae
