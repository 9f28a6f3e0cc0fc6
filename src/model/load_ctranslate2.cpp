/// CTranslate2 folders (formats.md §1.7): fused attention products are split again, so the result
/// equals what the same weights give from a Hugging Face folder.

#include <algorithm>
#include <set>

#include "model/checkpoint.h"
#include "model/ctranslate2_names.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/ctranslate2.h"

namespace otoscope::model {
namespace {

class Variables : public TensorSource {
 public:
  explicit Variables(const std::filesystem::path& folder) : file_(io::CTranslate2::open(folder)) {}
  const io::CTranslate2& file() const { return file_; }
  std::vector<std::string> names() const override { return file_.names(); }
  bool has(std::string_view name) const override { return file_.has(name); }
  Shape shape(std::string_view name) const override { return file_.info(name).shape; }
  Tensor<float> floats(std::string_view name) const override { return file_.floats(name); }
  std::string where(std::string_view) const override { return file_.path().string(); }

 private:
  io::CTranslate2 file_;
};

/// Takes each variable out of the file once, under our names.
class Reader {
 public:
  Reader(const Variables& source, Checkpoint& checkpoint, Progress& progress)
      : source_(source), tensors_(checkpoint.tensors), progress_(progress) {
    for (const ExpectedTensor& tensor : expected_tensors(checkpoint.dims))
      shapes_.emplace(tensor.name, tensor.shape);
    progress.start("reading weights", static_cast<int64_t>(shapes_.size()), "tensors");
  }

  void plain(const std::string& ours, const std::string& theirs) {
    put(ours, read(theirs, shapes_.at(ours)));
  }
  void product(const std::string& ours, const std::string& theirs) {
    plain(ours + ".weight", theirs + "/weight");
    plain(ours + ".bias", theirs + "/bias");
  }
  void norm(const std::string& ours, const std::string& theirs) {
    plain(ours + ".weight", theirs + "/gamma");
    plain(ours + ".bias", theirs + "/beta");
  }
  /// Several products of one input stacked in one variable, in the order given.
  void fused(const std::vector<std::string>& ours, const std::string& theirs, int64_t d) {
    const auto n = static_cast<int64_t>(ours.size());
    const Tensor<float> W = read(theirs + "/weight", {n * d, d});
    const Tensor<float> b = read(theirs + "/bias", {n * d});
    for (int64_t i = 0; i < n; ++i) {
      const std::string& name = ours[static_cast<size_t>(i)];
      put(name + ".weight", Tensor<float>::copy_of(W.view().slice(i * d, (i + 1) * d)));
      const View<const float> bias = b.view().slice(i * d, (i + 1) * d);
      if (shapes_.contains(name + ".bias"))
        put(name + ".bias", Tensor<float>::copy_of(bias));
      else if (std::any_of(bias.data, bias.data + d, [](float x) { return x != 0.0f; }))
        throw UserError(
            source_.where({}),
            "expected no bias for the keys in " + theirs + "/bias, got values that are not zero",
            "Whisper's keys have no bias: this is another architecture");
    }
  }
  void block(const std::string& ours, const std::string& theirs, int64_t d, bool cross) {
    ctranslate2_block(*this, ours, theirs, d, cross);
  }
  void check_head() {
    const std::string name = "decoder/projection/weight";
    if (!source_.has(name)) return;
    const Tensor<float>& embedding = tensors_.at("decoder.token_embedding.weight");
    const Tensor<float> head = read(name, embedding.shape());
    if (!std::equal(head.data(), head.data() + head.size(), embedding.data()))
      throw UserError(source_.where(name),
                      "expected " + name + " equal to decoder/embeddings/weight",
                      "models with an output head of their own are not Whisper's architecture");
  }
  /// Everything but settings and scales must have been used.
  void check_all_used() {
    for (const std::string& name : source_.names())
      if (source_.shape(name).rank() > 0 && !used_.contains(name) && !name.ends_with("_scale"))
        throw UserError(source_.where(name),
                        "expected the variables of a Whisper model, got also " + name);
    progress_.finish();
  }

 private:
  Tensor<float> read(const std::string& name, const Shape& shape) {
    used_.insert(name);
    return read_checked(source_, name, shape);
  }
  void put(const std::string& ours, Tensor<float> tensor) {
    tensors_.emplace(ours, std::move(tensor));
    progress_.advance(static_cast<int64_t>(tensors_.size()));
  }

  const Variables& source_;
  std::map<std::string, Tensor<float>>& tensors_;
  Progress& progress_;
  std::map<std::string, Shape> shapes_;
  std::set<std::string> used_;
};

int heads_of(const Variables& source, const std::string& stack, int d) {
  const std::string name = stack + "/num_heads";
  if (!source.has(name)) return d / 64;  // every released Whisper has heads of 64
  return static_cast<int>(std::clamp<int64_t>(source.file().scalar(name), 0, 1 << 30));
}

Dims read_dims(const Variables& source) {
  const auto small = [](int64_t size) {
    return static_cast<int>(std::min<int64_t>(size, 1 << 30));
  };
  const auto layers = [&](const std::string& stack) {
    int n = 0;
    while (n < 4096 && source.has(stack + "/layer_" + std::to_string(n) + "/ffn/linear_0/weight"))
      ++n;
    return n;
  };
  Dims dims;
  const Shape conv1 = shape_checked(source, "encoder/conv1/weight", 3);
  const Shape audio = shape_checked(source, "encoder/position_encodings/encodings", 2);
  const Shape tokens = shape_checked(source, "decoder/embeddings/weight", 2);
  const Shape text = shape_checked(source, "decoder/position_encodings/encodings", 2);
  dims.n_audio_state = small(conv1[0]), dims.n_mels = small(conv1[1]);
  dims.n_audio_ctx = small(audio[0]), dims.n_text_ctx = small(text[0]);
  dims.n_vocab = small(tokens[0]), dims.n_text_state = small(tokens[1]);
  dims.n_audio_layer = layers("encoder"), dims.n_text_layer = layers("decoder");
  dims.n_audio_head = heads_of(source, "encoder", dims.n_audio_state);
  dims.n_text_head = heads_of(source, "decoder", dims.n_text_state);
  return dims;
}

void check_settings(const Variables& source) {
  const io::CTranslate2& file = source.file();
  if (!file.spec().empty() && file.spec() != "WhisperSpec")
    throw UserError(file.path().string(), "expected a WhisperSpec, got " + file.spec());
  struct Setting {
    const char* name;
    int64_t value;
  };
  for (const Setting& s : {Setting{"decoder/activation", 3}, Setting{"decoder/pre_norm", 1},
                           Setting{"decoder/alibi", 0}, Setting{"decoder/scale_embeddings", 0}})
    if (file.has(s.name) && file.scalar(s.name) != s.value)
      throw UserError(file.path().string(), std::string("expected ") + s.name + " " +
                                                std::to_string(s.value) + ", got " +
                                                std::to_string(file.scalar(s.name)));
}

}  // namespace

Checkpoint read_ctranslate2(const std::filesystem::path& folder, Progress& progress) {
  const Variables source(folder);
  check_settings(source);
  Checkpoint checkpoint;
  checkpoint.dims = read_dims(source);
  check_dims(checkpoint.dims, source.where({}));
  const int64_t d = checkpoint.dims.n_audio_state;
  Reader reader(source, checkpoint, progress);
  reader.product("encoder.conv1", "encoder/conv1");
  reader.product("encoder.conv2", "encoder/conv2");
  reader.plain("encoder.positional_embedding", "encoder/position_encodings/encodings");
  for (int i = 0; i < checkpoint.dims.n_audio_layer; ++i)
    reader.block("encoder.blocks." + std::to_string(i) + ".",
                 "encoder/layer_" + std::to_string(i) + "/", d, false);
  reader.norm("encoder.ln_post", "encoder/layer_norm");
  reader.plain("decoder.token_embedding.weight", "decoder/embeddings/weight");
  reader.plain("decoder.positional_embedding", "decoder/position_encodings/encodings");
  for (int i = 0; i < checkpoint.dims.n_text_layer; ++i)
    reader.block("decoder.blocks." + std::to_string(i) + ".",
                 "decoder/layer_" + std::to_string(i) + "/", d, true);
  reader.norm("decoder.ln", "decoder/layer_norm");
  reader.check_head();
  reader.check_all_used();
  return checkpoint;
}

}  // namespace otoscope::model
