#include "model/checkpoint.h"

#include <bit>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/text.h"
#include "otoscope/io/hash.h"

namespace otoscope::model {
namespace {

struct Builder {
  std::vector<ExpectedTensor> tensors;

  void linear(const std::string& name, int64_t out, int64_t in, bool bias = true) {
    tensors.push_back({name + ".weight", Shape{out, in}, Role::product});
    if (bias) tensors.push_back({name + ".bias", Shape{out}, Role::bias});
  }
  void conv(const std::string& name, int64_t out, int64_t in) {
    tensors.push_back({name + ".weight", Shape{out, in, 3}, Role::product});
    tensors.push_back({name + ".bias", Shape{out}, Role::bias});
  }
  void norm(const std::string& name, int64_t d) {
    tensors.push_back({name + ".weight", Shape{d}, Role::norm});
    tensors.push_back({name + ".bias", Shape{d}, Role::norm});
  }
  void attention(const std::string& name, int64_t d) {
    linear(name + ".query", d, d);
    linear(name + ".key", d, d, false);
    linear(name + ".value", d, d);
    linear(name + ".out", d, d);
  }
  void block(const std::string& prefix, int64_t d, bool cross) {
    norm(prefix + "attn_ln", d);
    attention(prefix + "attn", d);
    if (cross) norm(prefix + "cross_attn_ln", d), attention(prefix + "cross_attn", d);
    norm(prefix + "mlp_ln", d);
    linear(prefix + "mlp.0", 4 * d, d);
    linear(prefix + "mlp.2", d, 4 * d);
  }
};

}  // namespace

std::vector<ExpectedTensor> expected_tensors(const Dims& dims) {
  Builder b;
  const int64_t d = dims.n_audio_state;
  b.conv("encoder.conv1", d, dims.n_mels);
  b.conv("encoder.conv2", d, d);
  b.tensors.push_back({"encoder.positional_embedding", Shape{dims.n_audio_ctx, d}, Role::position});
  for (int i = 0; i < dims.n_audio_layer; ++i)
    b.block("encoder.blocks." + std::to_string(i) + ".", d, false);
  b.norm("encoder.ln_post", d);
  const int64_t d_text = dims.n_text_state;
  b.tensors.push_back(
      {"decoder.token_embedding.weight", Shape{dims.n_vocab, d_text}, Role::embedding});
  b.tensors.push_back(
      {"decoder.positional_embedding", Shape{dims.n_text_ctx, d_text}, Role::position});
  for (int i = 0; i < dims.n_text_layer; ++i)
    b.block("decoder.blocks." + std::to_string(i) + ".", d_text, true);
  b.norm("decoder.ln", d_text);
  return b.tensors;
}

void require(const TensorSource& source, const std::string& name) {
  if (source.has(name)) return;
  const std::vector<std::string> names = source.names();
  throw UserError(source.where(name), "expected a tensor " + name + ", got none",
                  names.empty() ? "the file holds no tensor at all"
                                : "the nearest names are " + join(nearest_names(name, names)));
}

Shape shape_checked(const TensorSource& source, const std::string& name, int rank) {
  require(source, name);
  const Shape shape = source.shape(name);
  if (shape.rank() != rank)
    throw UserError(source.where(name), "expected " + name + " with " + std::to_string(rank) +
                                            " dimensions, got shape " + shape.str());
  return shape;
}

Tensor<float> read_checked(const TensorSource& source, const std::string& name,
                           const Shape& expected) {
  require(source, name);
  const Shape shape = source.shape(name);
  if (!(shape == expected))
    throw UserError(source.where(name),
                    "expected " + name + " of shape " + expected.str() + ", got " + shape.str(),
                    "the sizes come from the other tensors of the same checkpoint");
  return source.floats(name);
}

void check_dims(const Dims& dims, const std::string& where) {
  const auto within = [&](const char* what, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high)
      throw UserError(where, std::string("expected ") + what + " between " + std::to_string(low) +
                                 " and " + std::to_string(high) + ", got " + std::to_string(value));
  };
  within("the number of mel bins", dims.n_mels, 1, 1024);
  within("the audio context", dims.n_audio_ctx, 1, 1 << 20);
  within("the width", dims.n_audio_state, 1, 1 << 16);
  within("the decoder's width", dims.n_text_state, dims.n_audio_state, dims.n_audio_state);
  within("the number of encoder layers", dims.n_audio_layer, 1, 1024);
  within("the number of decoder layers", dims.n_text_layer, 1, 1024);
  within("the text context", dims.n_text_ctx, 1, 1 << 20);
  within("the vocabulary", dims.n_vocab, 1, 1 << 24);
  for (const int heads : {dims.n_audio_head, dims.n_text_head}) {
    within("the number of heads", heads, 1, dims.n_audio_state);
    if (dims.n_audio_state % heads != 0)
      throw UserError(where, "expected a width that the number of heads divides, got " +
                                 std::to_string(dims.n_audio_state) + " and " +
                                 std::to_string(heads));
  }
}

std::string checkpoint_hash(const Checkpoint& checkpoint) {
  static_assert(std::endian::native == std::endian::little);
  io::Sha256 hash;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    hash.update(name + " " + tensor.shape().str() + "\n");
    hash.update(std::as_bytes(tensor.view().span()));
  }
  return hash.hex();
}

void shuffle_weights(Checkpoint& checkpoint, uint64_t seed) {
  for (const ExpectedTensor& expected : expected_tensors(checkpoint.dims)) {
    if (expected.role != Role::product) continue;
    float* values = checkpoint.tensors.at(expected.name).data();
    Rng rng(seed, "shuffle " + expected.name);
    for (auto i = static_cast<uint64_t>(expected.shape.count()); i > 1; --i)
      std::swap(values[i - 1], values[rng.below(i)]);
  }
}

}  // namespace otoscope::model
