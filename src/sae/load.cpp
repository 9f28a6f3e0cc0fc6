#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/sae/sae.h"
#include "sae/layout.h"
#include "sae/sizes.h"

namespace otoscope::sae {
namespace {

namespace fs = std::filesystem;

bool bool_or(const io::Json& cfg, const char* key, bool otherwise, const std::string& where) {
  if (!cfg.contains(key) || cfg[key].is_null()) return otherwise;
  return io::bool_at(cfg, key, where);
}

std::string string_or(const io::Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Files written before SAELens 6 say some things in other words.
void modernise(io::Json& cfg) {
  if (!cfg.contains("architecture") && cfg.contains("activation_fn_str"))
    cfg["architecture"] = cfg["activation_fn_str"] == "topk" ? "topk" : "standard";
  if (!cfg.contains("k") && cfg.contains("activation_fn_kwargs") &&
      cfg["activation_fn_kwargs"].is_object() && cfg["activation_fn_kwargs"].contains("k"))
    cfg["k"] = cfg["activation_fn_kwargs"]["k"];
  if (cfg.contains("normalize_activations") && cfg["normalize_activations"].is_boolean())
    cfg["normalize_activations"] =
        cfg["normalize_activations"].get<bool>() ? "expected_average_only_in" : "none";
  if (!cfg.contains("metadata")) cfg["metadata"] = io::Json::object();
  for (const char* key : {"hook_point", "hook_name"})
    if (!cfg["metadata"].contains("hook_name") && cfg.contains(key))
      cfg["metadata"]["hook_name"] = cfg[key];
  if (!cfg["metadata"].contains("model_name") && cfg.contains("model_name"))
    cfg["metadata"]["model_name"] = cfg["model_name"];
}

Normalize normalization(const io::Json& cfg, const std::string& where) {
  if (!cfg.contains("normalize_activations") || cfg["normalize_activations"].is_null())
    return Normalize::none;
  const std::string name = io::string_at(cfg, "normalize_activations", where);
  // "expected_average_only_in" is folded when SAELens saves and never applied at run time.
  if (name == "none" || name == "expected_average_only_in") return Normalize::none;
  if (name == "constant_norm_rescale") return Normalize::constant_norm_rescale;
  if (name == "layer_norm") return Normalize::layer_norm;
  throw UserError(where,
                  "expected normalize_activations none, constant_norm_rescale or "
                  "layer_norm, got " +
                      name);
}

void read_metadata(const io::Json& metadata, Sae& sae) {
  sae.site = string_or(metadata, "hook_name");
  sae.target_site = string_or(metadata, "hook_name_out");
  sae.model_name = string_or(metadata, "model_name");
  sae.architecture = string_or(metadata, "training_architecture");
  io::Json others = metadata;
  if (others.contains("otoscope")) {
    const io::Json ours = others["otoscope"];
    others.erase("otoscope");
    if (ours.is_object()) {
      sae.model_hash = string_or(ours, "model_hash");
      if (const std::string kind = string_or(ours, "architecture"); !kind.empty())
        sae.architecture = kind;
      if (ours.contains("matryoshka_widths") && ours["matryoshka_widths"].is_array())
        for (const io::Json& width : ours["matryoshka_widths"])
          if (width.is_number_integer()) sae.matryoshka_widths.push_back(width.get<int64_t>());
      sae.otoscope = ours.dump();
    }
  }
  sae.saelens = others.dump();
}

void check_names(const io::Safetensors& file, const Layout& layout, const std::string& where) {
  const std::vector<std::string> wanted = tensor_names(layout);
  for (const std::string& name : wanted)
    if (!file.has(name))
      throw UserError(where, "expected a tensor " + name + " (architecture " + layout.name +
                                 "), found only " + join(file.names()));
  for (const std::string& name : file.names())
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end())
      throw UserError(where,
                      "the tensor " + name + " does not belong to architecture " + layout.name,
                      "the architecture in cfg.json may be wrong");
}

Tensor<float> finite(Tensor<float> x, const char* name, const std::string& where) {
  for (int64_t i = 0; i < x.size(); ++i)
    if (!(x[i] - x[i] == 0.0f))
      throw UserError(where, std::string("expected finite numbers in ") + name + ", got " +
                                 std::to_string(x[i]) + " at position " + std::to_string(i));
  return x;
}

void read_tensors(const io::Safetensors& file, const Layout& layout, int64_t d, int64_t d_out,
                  int64_t F, Sae& sae, const std::string& where) {
  const auto read = [&](const char* name, Shape shape) {
    if (file.info(name).shape != shape) {
      const bool flipped = shape.rank() == 2 && file.info(name).shape == Shape{shape[1], shape[0]};
      throw UserError(where,
                      std::string("expected ") + name + " of shape " + shape.str() + ", got " +
                          file.info(name).shape.str(),
                      flipped ? "the file looks transposed: it is not SAELens's layout"
                              : "cfg.json and the weights do not belong together");
    }
    return finite(file.floats(name, shape), name, where);
  };
  sae.W_enc = transposed_copy(read("W_enc", {d, F}));
  sae.W_dec = read("W_dec", {F, d_out});
  sae.b_dec = read("b_dec", {d_out});
  if (layout.activation == Activation::gated) {
    sae.b_enc = read("b_gate", {F});
    sae.b_mag = read("b_mag", {F});
    sae.r_mag = read("r_mag", {F});
  } else {
    sae.b_enc = read("b_enc", {F});
  }
  if (layout.activation == Activation::jumprelu) sae.threshold = read("threshold", {F});
  if (layout.skip) sae.W_skip = read("W_skip", {d_out, d});
}

/// A training checkpoint of SAELens can hold architectures that inference files never have.
[[noreturn]] void refuse_architecture(const std::string& name, const std::string& where) {
  if (name == "batchtopk" || name == "matryoshka_batchtopk")
    throw UserError(where, "architecture " + name + " is a training checkpoint",
                    "save it for inference with SAELens: it becomes jumprelu");
  throw UserError(where, "expected an architecture of " + join(layout_names()) + ", got " + name);
}

}  // namespace

Sae load(const fs::path& folder) {
  const std::string cfg_where = (folder / "cfg.json").string();
  const fs::path weights = folder / "sae_weights.safetensors";
  io::Json cfg = io::read_json(folder / "cfg.json");
  if (!cfg.is_object()) throw UserError(cfg_where, "expected a JSON object");
  modernise(cfg);
  const std::string name = io::string_at(cfg, "architecture", cfg_where);
  const Layout* layout = find_layout(name);
  if (layout == nullptr) refuse_architecture(name, cfg_where);

  const int64_t d = size_at(cfg, "d_in", cfg_where), F = size_at(cfg, "d_sae", cfg_where);
  const int64_t d_out = layout->transcoder ? size_at(cfg, "d_out", cfg_where) : d;
  const io::Json& metadata = cfg["metadata"];
  if (!metadata.is_object()) throw UserError(cfg_where, "expected an object at metadata");
  if (d == F && !metadata.contains("sae_lens_version"))
    throw UserError(
        cfg_where,
        "F = d = " + std::to_string(d) + ", so the orientation of the weights cannot be checked",
        "state the format: SAELens writes metadata.sae_lens_version");

  Sae sae;
  sae.activation = layout->activation;
  sae.normalize = normalization(cfg, cfg_where);
  sae.apply_b_dec_to_input = bool_or(cfg, "apply_b_dec_to_input", true, cfg_where);
  if (layout->transcoder) sae.apply_b_dec_to_input = false;
  sae.rescale_by_decoder_norm = layout->activation == Activation::topk &&
                                bool_or(cfg, "rescale_acts_by_decoder_norm", false, cfg_where);
  if (layout->activation == Activation::topk) {
    sae.k = size_at(cfg, "k", cfg_where);
    if (sae.k > F)
      throw UserError(cfg_where, "expected k <= d_sae = " + std::to_string(F) + ", got " +
                                     std::to_string(sae.k));
  }
  read_metadata(metadata, sae);
  if (sae.architecture.empty()) sae.architecture = layout->name;
  if (layout->transcoder && sae.target_site.empty()) sae.target_site = sae.site;

  const io::Safetensors file = io::Safetensors::open(weights);
  check_names(file, *layout, weights.string());
  read_tensors(file, *layout, d, d_out, F, sae, weights.string());
  sae.hash = io::sha256_file(weights);
  if (metadata.contains("otoscope") && metadata["otoscope"].is_object()) {
    const std::string expected = string_or(metadata["otoscope"], "sha256");
    if (!expected.empty() && expected != sae.hash)
      throw UserError(weights.string(), "expected SHA-256 " + expected + ", got " + sae.hash,
                      "the weights are not the ones cfg.json was written for");
  }
  sae.folder = folder;
  return sae;
}

}  // namespace otoscope::sae
