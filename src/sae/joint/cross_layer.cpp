// circuit-tracer's folder of a cross-layer transcoder (formats.md §5): per layer i one file with
// W_enc_i (F, d), b_enc_i (F), b_dec_i (d), threshold_i (F), and one with W_dec_i (F, L - i, d).
#include <algorithm>
#include <cmath>

#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/safetensors.h"
#include "sae/joint/files.h"
#include "sae/sizes.h"

namespace otoscope::sae {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostLayers = 1024;
fs::path file_of(const fs::path& folder, const char* which, int64_t layer) {
  return folder / (std::string(which) + std::to_string(layer) + ".safetensors");
}

/// The value of `key: value` on a line of its own: all that config.yaml holds.
std::string yaml_value(const std::string& text, const std::string& key) {
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (!line.starts_with(key + ":")) continue;
    std::string value = line.substr(key.size() + 1);
    const auto edge = [](char c) { return c == ' ' || c == '\r' || c == '"' || c == '\''; };
    while (!value.empty() && edge(value.front())) value.erase(value.begin());
    while (!value.empty() && edge(value.back())) value.pop_back();
    return value;
  }
  return "";
}

/// "encoder.blocks.3.ln2" -> "ln2": circuit-tracer names hooks within a block.
std::string hook_of(const std::string& site) {
  const size_t dot = site.rfind('.');
  return dot == std::string::npos ? site : site.substr(dot + 1);
}

int64_t layers_in(const fs::path& folder) {
  int64_t layers = 0;
  while (layers < kMostLayers && fs::exists(file_of(folder, "W_enc_", layers))) ++layers;
  return layers;
}

}  // namespace

Tensor<float> finite_tensor(const fs::path& path, const std::string& name, const Shape& shape) {
  const auto file = io::Safetensors::open(path);
  Tensor<float> x = file.floats(name, shape);
  for (int64_t i = 0; i < x.size(); ++i)
    if (!std::isfinite(x[i]))
      throw UserError(path.string(), "expected finite numbers in " + name + ", got " +
                                         std::to_string(x[i]) + " at position " +
                                         std::to_string(i));
  return x;
}

Joint read_cross_layer(const fs::path& folder) {
  if (fs::exists(folder / "config.yaml")) {
    const std::string kind =
        yaml_value(io::read_file(folder / "config.yaml", 1 << 20), "model_kind");
    if (kind != "cross_layer_transcoder")
      throw UserError((folder / "config.yaml").string(),
                      "expected model_kind cross_layer_transcoder, got " +
                          (kind.empty() ? std::string("none") : kind.substr(0, 80)));
  }
  const int64_t L = layers_in(folder);
  if (L < 2)
    throw UserError(folder.string(),
                    "expected at least two layers (W_enc_0, W_enc_1, …), got " + std::to_string(L));
  const fs::path first = file_of(folder, "W_enc_", 0);
  const auto opened = io::Safetensors::open(first);
  const Shape shape = opened.info("W_enc_0").shape;
  if (shape.rank() != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > kMaxSide ||
      shape[1] > kMaxSide)
    throw UserError(first.string(), "expected W_enc_0 of shape (F, d), got " + shape.str());
  const int64_t F = shape[0], d = shape[1];
  const bool thresholds = opened.has("threshold_0");

  Joint joint;
  joint.sources = joint.outputs = L;
  Sae& sae = joint.sae;
  sae.activation = thresholds ? Activation::jumprelu : Activation::relu;
  sae.apply_b_dec_to_input = false;
  const int64_t all = checked_product(F, L, "W_enc_0"), wide = checked_product(L, d, "W_enc_0");
  (void)checked_product(all, wide, "W_dec_0");
  sae.W_enc = Tensor<float>({all, d});
  sae.W_dec = Tensor<float>({all, L * d});
  sae.b_enc = Tensor<float>(Shape{all});
  sae.b_dec = Tensor<float>(Shape{L * d});
  if (thresholds) sae.threshold = Tensor<float>(Shape{all});
  std::string hashes;
  for (int64_t i = 0; i < L; ++i) {
    const std::string n = std::to_string(i);
    const fs::path enc = file_of(folder, "W_enc_", i), dec = file_of(folder, "W_dec_", i);
    const auto place = [&](const fs::path& file, const std::string& name, const Shape& s,
                           float* to) {
      const Tensor<float> x = finite_tensor(file, name, s);
      std::copy_n(x.data(), x.size(), to);
    };
    place(enc, "W_enc_" + n, {F, d}, sae.W_enc.view().row(i * F));
    place(enc, "b_enc_" + n, Shape{F}, sae.b_enc.data() + i * F);
    place(enc, "b_dec_" + n, Shape{d}, sae.b_dec.data() + i * d);
    if (thresholds) place(enc, "threshold_" + n, Shape{F}, sae.threshold.data() + i * F);
    const Tensor<float> W = finite_tensor(dec, "W_dec_" + n, {F, L - i, d});
    for (int64_t f = 0; f < F; ++f)
      std::copy_n(W.data() + f * (L - i) * d, (L - i) * d, sae.W_dec.view().row(i * F + f) + i * d);
    hashes += io::sha256_file(enc) + "\n" + io::sha256_file(dec) + "\n";
  }
  if (fs::exists(file_of(folder, "W_dec_", L)))
    throw UserError(folder.string(),
                    "expected no W_dec_" + std::to_string(L) + " beside " + std::to_string(L) +
                        " encoders, got one",
                    "a file W_enc_" + std::to_string(L) + " is missing");
  sae.hash = io::sha256(hashes);
  return joint;
}

std::string write_cross_layer(const Joint& joint, const fs::path& folder) {
  const Sae& sae = joint.sae;
  const int64_t L = joint.sources, F = joint.group(), d = sae.d();
  OTO_ASSERT(L == joint.outputs && joint.part() == d && sae.threshold.size() == sae.F());
  std::string hashes;
  for (int64_t i = 0; i < L; ++i) {
    const std::string n = std::to_string(i);
    const auto part = [&](const Tensor<float>& x, int64_t size) {
      return View<const float>{x.data() + i * size, Shape{size}};
    };
    hashes +=
        io::write_safetensors(file_of(folder, "W_enc_", i),
                              {io::named("W_enc_" + n, sae.W_enc.view().slice(i * F, (i + 1) * F)),
                               io::named("b_enc_" + n, part(sae.b_enc, F)),
                               io::named("b_dec_" + n, part(sae.b_dec, d)),
                               io::named("threshold_" + n, part(sae.threshold, F))}) +
        "\n";
    Tensor<float> W({F, L - i, d});
    for (int64_t f = 0; f < F; ++f)
      std::copy_n(sae.W_dec.view().row(i * F + f) + i * d, (L - i) * d, W.data() + f * (L - i) * d);
    hashes +=
        io::write_safetensors(file_of(folder, "W_dec_", i), {io::named("W_dec_" + n, W.view())}) +
        "\n";
  }
  const std::string model =
      joint.inputs[0].model_name.empty() ? "model" : joint.inputs[0].model_name;
  io::write_file(folder / "config.yaml",
                 "model_kind: cross_layer_transcoder\nmodel_name: \"" + model +
                     "\"\nfeature_input_hook: \"" + hook_of(joint.inputs[0].site) +
                     "\"\nfeature_output_hook: \"" + hook_of(joint.targets[0].site) +
                     "\"\nscan: \"" + model + "\"\n");
  return io::sha256(hashes);
}

}  // namespace otoscope::sae
