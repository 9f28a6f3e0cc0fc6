#include "model/weights.h"

namespace otoscope::model {
namespace {

struct Packer {
  std::map<std::string, Tensor<float>> tensors;
  Precision precision;

  Tensor<float> take(const std::string& name) {
    auto node = tensors.extract(name);
    OTO_ASSERT(!node.empty());  // loaders deliver every expected tensor
    return std::move(node.mapped());
  }
  kernels::Linear linear(const std::string& name, bool bias = true) {
    const Tensor<float> W = take(name + ".weight");
    if (!bias) return {W.view(), {}, precision};
    const Tensor<float> b = take(name + ".bias");
    return {W.view(), b.view(), precision};
  }
  kernels::Conv1d conv(const std::string& name, int stride) {
    const Tensor<float> W = take(name + ".weight"), b = take(name + ".bias");
    return {W.view(), b.view(), stride, precision};
  }
  NormWeights norm(const std::string& name) {
    return {take(name + ".weight"), take(name + ".bias")};
  }
  AttentionWeights attention(const std::string& name) {
    return {linear(name + ".query"), linear(name + ".key", false), linear(name + ".value"),
            linear(name + ".out")};
  }
  BlockWeights block(const std::string& prefix, bool cross) {
    BlockWeights b;
    b.attn_ln = norm(prefix + "attn_ln");
    b.attn = attention(prefix + "attn");
    if (cross) b.cross_attn_ln = norm(prefix + "cross_attn_ln");
    if (cross) b.cross_attn = attention(prefix + "cross_attn");
    b.mlp_ln = norm(prefix + "mlp_ln");
    b.mlp = {linear(prefix + "mlp.0"), linear(prefix + "mlp.2")};
    return b;
  }
};

}  // namespace

Weights pack_weights(Checkpoint checkpoint, Precision precision, Progress& progress) {
  const Dims dims = checkpoint.dims;
  Packer packer{std::move(checkpoint.tensors), precision};
  Weights w;
  w.dims = dims;
  w.precision = precision;
  progress.start("packing weights", dims.n_audio_layer + dims.n_text_layer + 1, "layers");
  w.conv1 = packer.conv("encoder.conv1", 1);
  w.conv2 = packer.conv("encoder.conv2", 2);
  w.audio_positions = packer.take("encoder.positional_embedding");
  for (int i = 0; i < dims.n_audio_layer; ++i) {
    w.encoder.push_back(packer.block("encoder.blocks." + std::to_string(i) + ".", false));
    progress.advance(i + 1);
  }
  w.ln_post = packer.norm("encoder.ln_post");
  w.text_positions = packer.take("decoder.positional_embedding");
  for (int i = 0; i < dims.n_text_layer; ++i) {
    w.decoder.push_back(packer.block("decoder.blocks." + std::to_string(i) + ".", true));
    progress.advance(dims.n_audio_layer + i + 1);
  }
  w.ln = packer.norm("decoder.ln");
  w.token_embedding = packer.take("decoder.token_embedding.weight");
  w.unembed = kernels::Linear(w.token_embedding.view(), {}, precision);
  progress.advance(dims.n_audio_layer + dims.n_text_layer + 1);
  progress.finish();
  OTO_ASSERT(packer.tensors.empty());
  return w;
}

}  // namespace otoscope::model
