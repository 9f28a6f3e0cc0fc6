#include <algorithm>

#include "model/ctranslate2_names.h"
#include "model/export/export.h"
#include "model/export/weight_file.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/ctranslate2.h"

namespace otoscope::model {
namespace {

/// Moves tensors of the checkpoint into variables.
class Mover {
 public:
  Mover(Checkpoint& checkpoint, WeightFile& file) : checkpoint_(checkpoint), file_(file) {}

  void plain(const std::string& ours, const std::string& theirs) { file_.add(theirs, take(ours)); }
  void product(const std::string& ours, const std::string& theirs) {
    plain(ours + ".weight", theirs + "/weight");
    plain(ours + ".bias", theirs + "/bias");
  }
  void norm(const std::string& ours, const std::string& theirs) {
    plain(ours + ".weight", theirs + "/gamma");
    plain(ours + ".bias", theirs + "/beta");
  }
  /// Products of one input stacked in the order given; what has no bias gets zeros.
  void fused(const std::vector<std::string>& ours, const std::string& theirs, int64_t d) {
    const auto n = static_cast<int64_t>(ours.size());
    Tensor<float> W({n * d, d}), b({n * d});
    for (int64_t i = 0; i < n; ++i) {
      const std::string& name = ours[static_cast<size_t>(i)];
      const Tensor<float> one = take(name + ".weight");
      std::copy_n(one.data(), d * d, W.data() + i * d * d);
      if (!checkpoint_.tensors.contains(name + ".bias")) continue;
      const Tensor<float> bias = take(name + ".bias");
      std::copy_n(bias.data(), d, b.data() + i * d);
    }
    file_.add(theirs + "/weight", W);
    file_.add(theirs + "/bias", b);
  }
  void block(const std::string& ours, const std::string& theirs, int64_t d, bool cross) {
    throw_if_interrupted();
    ctranslate2_block(*this, ours, theirs, d, cross);
  }

 private:
  Tensor<float> take(const std::string& name) {
    auto node = checkpoint_.tensors.extract(name);
    OTO_ASSERT(!node.empty());  // loaders deliver every expected tensor
    return std::move(node.mapped());
  }

  Checkpoint& checkpoint_;
  WeightFile& file_;
};

void add_settings(WeightFile& file, const Dims& dims) {
  struct Setting {
    const char* name;
    io::Dtype dtype;
    int64_t value;
  };
  for (const Setting& s : {Setting{"decoder/activation", io::Dtype::i8, 3},  // exact GELU
                           Setting{"decoder/alibi", io::Dtype::i8, 0},
                           Setting{"decoder/alignment_heads", io::Dtype::i16, 1},
                           Setting{"decoder/alignment_layer", io::Dtype::i16, -1},
                           Setting{"decoder/num_heads", io::Dtype::i16, dims.n_text_head},
                           Setting{"decoder/pre_norm", io::Dtype::i8, 1},
                           Setting{"decoder/scale_embeddings", io::Dtype::i8, 0},
                           Setting{"decoder/start_from_zero_embedding", io::Dtype::i8, 0},
                           Setting{"encoder/num_heads", io::Dtype::i16, dims.n_audio_head}})
    file.scalar(s.name, s.dtype, s.value);
}

}  // namespace

WrittenWeights write_ctranslate2_weights(Checkpoint checkpoint, io::Dtype dtype,
                                         const std::filesystem::path& folder) {
  const Dims dims = checkpoint.dims;
  const int64_t d = dims.n_audio_state;
  WeightFile file(dtype);
  Mover mover(checkpoint, file);
  mover.product("encoder.conv1", "encoder/conv1");
  mover.product("encoder.conv2", "encoder/conv2");
  mover.plain("encoder.positional_embedding", "encoder/position_encodings/encodings");
  for (int i = 0; i < dims.n_audio_layer; ++i)
    mover.block("encoder.blocks." + std::to_string(i) + ".",
                "encoder/layer_" + std::to_string(i) + "/", d, false);
  mover.norm("encoder.ln_post", "encoder/layer_norm");
  mover.plain("decoder.token_embedding.weight", "decoder/embeddings/weight");
  mover.plain("decoder.positional_embedding", "decoder/position_encodings/encodings");
  for (int i = 0; i < dims.n_text_layer; ++i)
    mover.block("decoder.blocks." + std::to_string(i) + ".",
                "decoder/layer_" + std::to_string(i) + "/", d, true);
  mover.norm("decoder.ln", "decoder/layer_norm");
  OTO_ASSERT(checkpoint.tensors.empty());
  add_settings(file, dims);

  constexpr uint32_t kRevision = 3;
  WrittenWeights written;
  written.tensors = static_cast<int64_t>(file.tensors().size());
  written.bytes = file.bytes();
  written.sha256 =
      io::write_ctranslate2(folder / "model.bin", "WhisperSpec", kRevision, file.tensors(),
                            {{"decoder/projection/weight", "decoder/embeddings/weight"}});
  return written;
}

}  // namespace otoscope::model
