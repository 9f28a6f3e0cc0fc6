// dictionary_learning's BatchTopKCrossCoder as saved for a hub: config.json, and model.safetensors
// with encoder.weight (S, d, F), encoder.bias (F), decoder.weight (S, F, d), decoder.bias (S, d),
// and the numbers k, threshold, code_normalization_id.
//   f = relu(sum_s x^s encoder^s + b);  kept where f_j sum_s ||d_j^s|| > threshold
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/sae/fold.h"
#include "sae/joint/files.h"
#include "sae/sizes.h"
#include "sae/train/summed_norm.h"

namespace otoscope::sae {
namespace {

namespace fs = std::filesystem;

constexpr int32_t kCrosscoderNorms = 1;  // CodeNormalization.CROSSCODER: the sum of the norms
double summed(const Tensor<float>& norms, int64_t f) {
  double sum = 0;
  for (int64_t s = 0; s < norms.shape()[1]; ++s) sum += norms.at(f, s);
  return sum;
}

/// Raw rows -> rows times their scale.
Sae to_file_units(const Joint& joint) {
  const Sae& sae = joint.sae;
  Joint out;
  out.outputs = joint.outputs;
  out.inputs = joint.inputs;
  for (Port& port : out.inputs) port.scale = 1.0 / port.scale;
  out.sae.W_enc = sae.W_enc.clone(), out.sae.W_dec = sae.W_dec.clone();
  out.sae.b_enc = sae.b_enc.clone(), out.sae.b_dec = sae.b_dec.clone();
  out.sae.apply_b_dec_to_input = false;
  fold_ports(out);
  return std::move(out.sae);
}

}  // namespace

Joint read_crosscoder(const fs::path& folder) {
  const fs::path path = folder / "model.safetensors";
  const std::string where = (folder / "config.json").string();
  const io::Json config = io::read_json(folder / "config.json");
  const int64_t d = size_at(config, "activation_dim", where),
                F = size_at(config, "dict_size", where);
  // Both names are in use.
  const int64_t S =
      size_at(config, config.contains("num_layers") ? "num_layers" : "num_encoder_layers", where);
  if (S < 2) throw UserError(where, "expected at least two sites, got " + std::to_string(S));
  const auto file = io::Safetensors::open(path);
  if (file.has("code_normalization_id") && file.integers("code_normalization_id").size() == 1 &&
      file.integers("code_normalization_id")[0] != kCrosscoderNorms)
    throw UserError(path.string(),
                    "expected codes ranked by summed decoder norms "
                    "(code_normalization_id 1), got another rule");
  const int64_t wide = checked_product(S, d, "activation_dim");
  (void)checked_product(wide, F, "dict_size");
  Joint joint;
  joint.outputs = S;
  Sae& sae = joint.sae;
  sae.apply_b_dec_to_input = false;
  const Tensor<float> encoder = finite_tensor(path, "encoder.weight", {S, d, F});
  const Tensor<float> decoder = finite_tensor(path, "decoder.weight", {S, F, d});
  sae.W_enc = Tensor<float>({F, wide});
  sae.W_dec = Tensor<float>({F, wide});
  for (int64_t s = 0; s < S; ++s)
    for (int64_t f = 0; f < F; ++f) {
      std::copy_n(decoder.data() + (s * F + f) * d, d, sae.W_dec.view().row(f) + s * d);
      for (int64_t i = 0; i < d; ++i) sae.W_enc.at(f, s * d + i) = encoder[(s * d + i) * F + f];
    }
  sae.b_enc = finite_tensor(path, "encoder.bias", Shape{F});
  const Tensor<float> bias = finite_tensor(path, "decoder.bias", {S, d});
  sae.b_dec = Tensor<float>::copy_of(bias.view().reshaped(Shape{wide}));
  sae.architecture = "batchtopk";
  sae.activation = Activation::relu;
  sae.hash = io::sha256_file(path);
  if (!file.has("threshold")) return joint;
  const Tensor<float> threshold = file.floats("threshold");
  if (threshold.size() != 1 || !std::isfinite(threshold[0]))
    throw UserError(path.string(), "expected one finite threshold, got " +
                                       std::to_string(threshold.size()) + " numbers");
  if (threshold[0] < 0)
    throw UserError(path.string(), "expected a threshold, got " + std::to_string(threshold[0]),
                    "its training never set one, and without it a row's codes depend on the batch");
  sae.activation = Activation::jumprelu;
  sae.threshold = Tensor<float>(Shape{F});
  const Tensor<float> norms = site_norms(sae.W_dec, S);
  for (int64_t f = 0; f < F; ++f) {
    const double sum = summed(norms, f);
    sae.threshold[f] = sum > 0 ? static_cast<float>(threshold[0] / sum) : 0.0f;
  }
  return joint;
}

std::string write_crosscoder(const Joint& joint, const fs::path& folder) {
  const Sae& sae = joint.sae;
  const int64_t S = joint.outputs, F = sae.F(), d = joint.part();
  const Sae scaled = to_file_units(joint);
  const Tensor<float> norms = site_norms(scaled.W_dec, S);
  double least = INFINITY, most = 0;
  for (int64_t f = 0; f < F; ++f) {
    const double sum = summed(norms, f);
    if (!(sum > 0)) continue;
    least = std::min(least, sum * sae.threshold[f]), most = std::max(most, sum * sae.threshold[f]);
  }
  if (!(most - least <= 1e-4 * most))
    throw UserError(folder.string(),
                    "expected one threshold of f sum ||d||, got " + std::to_string(least) + " to " +
                        std::to_string(most),
                    "the layout has one number for all features");
  Tensor<float> encoder({S, d, F}), decoder({S, F, d});
  for (int64_t s = 0; s < S; ++s)
    for (int64_t f = 0; f < F; ++f) {
      std::copy_n(scaled.W_dec.view().row(f) + s * d, d, decoder.data() + (s * F + f) * d);
      for (int64_t i = 0; i < d; ++i) encoder[(s * d + i) * F + f] = scaled.W_enc.at(f, s * d + i);
    }
  Tensor<float> threshold(Shape{1});
  threshold[0] = static_cast<float>((least + most) / 2);
  const auto k = static_cast<int32_t>(std::max<int64_t>(sae.k, 1));
  const int64_t rule = kCrosscoderNorms;
  // Weights first: a folder with otoscope.json is whole.
  std::string hash = io::write_safetensors(
      folder / "model.safetensors",
      {io::named("encoder.weight", encoder.view()), io::named("encoder.bias", scaled.b_enc.view()),
       io::named("decoder.weight", decoder.view()),
       io::named("decoder.bias", scaled.b_dec.view().reshaped({S, d})),
       io::named("threshold", View<const float>{threshold.data(), Shape{}}),
       io::named("k", View<const int32_t>{&k, Shape{}}),
       io::named("code_normalization_id", View<const int64_t>{&rule, Shape{}})});
  io::write_json(folder / "config.json", io::OrderedJson{{"activation_dim", d},
                                                         {"dict_size", F},
                                                         {"num_layers", S},
                                                         {"k", k},
                                                         {"code_normalization", "CROSSCODER"}});
  return hash;
}

}  // namespace otoscope::sae
