#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "model/nano.h"
#include "model/weights.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace fs = std::filesystem;

namespace {

/// A copy of a golden folder that a test may spoil.
class Copy {
 public:
  explicit Copy(const char* name) { fs::copy(golden(name), folder(), fs::copy_options::recursive); }
  const fs::path& folder() const { return temporary_.path(); }
  std::string error() const {
    return error_of([&] { Whisper::load(folder()); });
  }
  /// Writes model.safetensors again with its list of tensors changed.
  void rewrite(const std::function<void(std::vector<io::NamedTensor>&)>& change) const {
    const auto file = io::Safetensors::open(golden("whisper_nano/model.safetensors"));
    std::vector<io::NamedTensor> tensors;
    for (const std::string& name : file.names()) {
      const io::TensorInfo& info = file.info(name);
      tensors.push_back({name, info.dtype, info.shape, info.bytes});
    }
    change(tensors);
    io::write_safetensors(folder() / "model.safetensors", tensors);
  }
  void replace_in(const char* file, const std::string& from, const std::string& to) const {
    std::string text = io::read_file(folder() / file);
    const size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    io::write_file(folder() / file, text.replace(at, from.size(), to));
  }

 private:
  TemporaryFolder temporary_;
};

io::NamedTensor& named(std::vector<io::NamedTensor>& tensors, const std::string& name) {
  return *std::find_if(tensors.begin(), tensors.end(),
                       [&](const auto& t) { return t.name == name; });
}

bool contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos && text.find('\n') == std::string::npos) return true;
  MESSAGE(text);
  return false;
}

}  // namespace

TEST_CASE("a spoilt Hugging Face folder is refused in one line that names the file") {
  SUBCASE("truncated") {
    const Copy copy("whisper_nano");
    fs::resize_file(copy.folder() / "model.safetensors", 100000);
    CHECK(contains(copy.error(), "model.safetensors"));
  }
  SUBCASE("a Git-LFS pointer") {
    const Copy copy("whisper_nano");
    io::write_file(copy.folder() / "model.safetensors",
                   "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n");
    CHECK(contains(copy.error(), "Git-LFS"));
  }
  SUBCASE("a missing tensor") {
    const Copy copy("whisper_nano");
    copy.rewrite([](auto& tensors) {
      named(tensors, "model.encoder.layers.1.fc1.bias").name = "model.encoder.layers.1.fc1.biass";
    });
    const std::string error = copy.error();
    CHECK(contains(error, "expected a tensor model.encoder.layers.1.fc1.bias, got none"));
    CHECK(contains(error, "model.encoder.layers.1.fc1.biass"));
  }
  SUBCASE("a tensor too many") {
    const Copy copy("whisper_nano");
    copy.rewrite([](auto& tensors) {
      tensors.push_back(named(tensors, "model.encoder.conv1.bias"));
      tensors.back().name = "model.encoder.layers.0.fc1.lora_A";
    });
    CHECK(contains(copy.error(), "got also model.encoder.layers.0.fc1.lora_A"));
  }
  SUBCASE("a wrong shape") {
    const Copy copy("whisper_nano");
    copy.rewrite([](auto& tensors) {
      named(tensors, "model.encoder.layers.0.fc1.weight").shape = Shape{128, 512};
    });
    CHECK(
        contains(copy.error(),
                 "expected model.encoder.layers.0.fc1.weight of shape (512, 128), got (128, 512)"));
  }
  SUBCASE("a wrong dtype") {
    const Copy copy("whisper_nano");
    copy.rewrite(
        [](auto& tensors) { named(tensors, "model.encoder.conv2.bias").dtype = io::Dtype::i16; });
    CHECK(contains(copy.error(), "model.encoder.conv2.bias"));
  }
  SUBCASE("an output head of its own") {
    const Copy copy("whisper_nano");
    const Tensor<float> head({1924, 128});
    copy.rewrite(
        [&](auto& tensors) { tensors.push_back(io::named("proj_out.weight", head.view())); });
    CHECK(contains(copy.error(), "expected proj_out.weight equal to the token embedding"));
  }
  SUBCASE("another model's config") {
    const Copy copy("whisper_nano");
    copy.replace_in("config.json", "\"encoder_layers\": 2", "\"encoder_layers\": 3");
    CHECK(contains(copy.error(), "expected encoder_layers 2 as in the tensors, got 3"));
  }
  SUBCASE("heads that do not divide the width") {
    const Copy copy("whisper_nano");
    copy.replace_in("config.json", "\"encoder_attention_heads\": 2",
                    "\"encoder_attention_heads\": 3");
    CHECK(contains(copy.error(), "expected a width that the number of heads divides"));
  }
  SUBCASE("another architecture") {
    const Copy copy("whisper_nano");
    copy.replace_in("config.json", "\"whisper\"", "\"bart\"");
    CHECK(contains(copy.error(), "expected model_type whisper"));
  }
  SUBCASE("no config") {
    const Copy copy("whisper_nano");
    fs::remove(copy.folder() / "config.json");
    CHECK(contains(copy.error(), "config.json"));
  }
  SUBCASE("a shard that is gone") {
    const Copy copy("whisper_pico_sharded");
    fs::remove(copy.folder() / "model-00002-of-00003.safetensors");
    CHECK(contains(copy.error(), "model-00002-of-00003.safetensors"));
  }
  SUBCASE("an index that names a file outside") {
    const Copy copy("whisper_pico_sharded");
    copy.replace_in("model.safetensors.index.json", "model-00001-of-00003", "../../../../etc/x");
    CHECK(contains(copy.error(), "model.safetensors.index.json"));
  }
  SUBCASE("nothing there") {
    const TemporaryFolder empty;
    CHECK(contains(error_of([&] { Whisper::load(empty.path()); }), "expected model.safetensors"));
  }
}

TEST_CASE("an output head that equals the embedding is welcome") {
  const Copy copy("whisper_nano");
  copy.rewrite([](auto& tensors) {
    tensors.push_back(named(tensors, "model.decoder.embed_tokens.weight"));
    tensors.back().name = "proj_out.weight";
  });
  CHECK(Whisper::load(copy.folder()).hash() == nano().hash());
}

TEST_CASE("names without the prefix of the task head are read too") {
  const Copy copy("whisper_nano");
  copy.rewrite([](auto& tensors) {
    for (auto& tensor : tensors) tensor.name.erase(0, std::string("model.").size());
  });
  CHECK(Whisper::load(copy.folder()).hash() == nano().hash());
}

TEST_CASE("a spoilt CTranslate2 folder is refused in one line that names the file") {
  SUBCASE("truncated") {
    const Copy copy("whisper_nano_ct2");
    fs::resize_file(copy.folder() / "model.bin", 50000);
    CHECK(contains(copy.error(), "model.bin"));
  }
  SUBCASE("keys with a bias") {
    const Copy copy("whisper_nano_ct2");
    std::string bytes = io::read_file(copy.folder() / "model.bin");
    const std::string name = "encoder/layer_0/self_attention/linear_0/bias";
    const size_t at = bytes.find(name);
    REQUIRE(at != std::string::npos);
    // name, NUL, rank, one size, dtype, bytes; then f16 values: 128 of the query, 128 of the key
    bytes[at + name.size() + 1 + 1 + 4 + 1 + 4 + 2 * 130 + 1] = 0x3c;
    io::write_file(copy.folder() / "model.bin", bytes);
    CHECK(contains(copy.error(), "expected no bias for the keys"));
  }
  SUBCASE("a variable of another name") {
    const Copy copy("whisper_nano_ct2");
    copy.replace_in("model.bin", "encoder/conv1/bias", "encoder/conv1/bia2");
    CHECK(contains(copy.error(), "expected a tensor encoder/conv1/bias, got none"));
  }
}

TEST_CASE("a CTranslate2 file in parts is the same model") {
  const Copy copy("whisper_nano_ct2");
  const std::string bytes = io::read_file(copy.folder() / "model.bin");
  io::write_file(copy.folder() / "model.bin.part1", std::string_view(bytes).substr(0, 70001));
  io::write_file(copy.folder() / "model.bin.part2", std::string_view(bytes).substr(70001));
  fs::remove(copy.folder() / "model.bin");
  CHECK(Whisper::load(copy.folder()).hash() == nano().hash());
}

TEST_CASE("the shuffled model permutes products and nothing else, by seed") {
  const LoadOptions one{Precision::f32, 1}, two{Precision::f32, 2};
  const Whisper shuffled = Whisper::load(golden("whisper_nano"), one);
  CHECK(shuffled.hash() != nano().hash());
  CHECK(shuffled.hash() == Whisper::load(golden("whisper_nano_ct2"), one).hash());
  CHECK(shuffled.hash() != Whisper::load(golden("whisper_nano"), two).hash());

  const auto sorted = [](View<const float> x) {
    std::vector<float> values(x.data, x.data + x.size());
    std::sort(values.begin(), values.end());
    return values;
  };
  const Weights &before = nano().weights(), &after = shuffled.weights();
  for (const auto member : {&AttentionWeights::query, &AttentionWeights::key,
                            &AttentionWeights::value, &AttentionWeights::out}) {
    const View<const float> a = (before.decoder[1].cross_attn.*member).weight();
    const View<const float> b = (after.decoder[1].cross_attn.*member).weight();
    CHECK(!same_bits(a, b));
    CHECK(sorted(a) == sorted(b));
  }
  CHECK(!same_bits(before.encoder[0].mlp.up.weight(), after.encoder[0].mlp.up.weight()));
  CHECK(same_bits(before.encoder[0].mlp.up.bias(), after.encoder[0].mlp.up.bias()));
  CHECK(same_bits(before.encoder[1].mlp_ln.gain, after.encoder[1].mlp_ln.gain));
  CHECK(same_bits(before.token_embedding, after.token_embedding));
  CHECK(same_bits(before.audio_positions, after.audio_positions));
  CHECK(same_bits(before.text_positions, after.text_positions));
}

TEST_CASE("bf16 is near fp32, and says so by its precision alone") {
  const Whisper bf16 = Whisper::load(golden("whisper_nano"), {Precision::bf16, {}});
  CHECK(bf16.precision() == Precision::bf16);
  CHECK(bf16.hash() == nano().hash());
  const Tensor<float> mel = nano_input().mel;
  const Tensor<float> want = nano().encode(mel), got = bf16.encode(mel);
  CHECK(!same_bits(got, want));
  // Two roundings to 8 bits a product, about 20 products deep, partly cancelling.
  CHECK_CLOSE(got, want, 20 * 2 * 0x1p-8);
}
