#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/sae/formats.h"
#include "sae/layout.h"
#include "sae/tiny.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;
using sae::Activation;

namespace {

Tensor<float> codes_of(const sae::Sae& s) {
  SparseRows codes;
  sae::Encoder(s).encode(tensor({2, 2}, {2, 1, -1, 3}), codes);
  return dense(codes, 3);
}

/// The tiny SAE as dictionary_learning stores a class with torch's Linear layers.
struct Foreign {
  TemporaryFolder folder;
  sae::Sae s = tiny_sae();
  Tensor<float> decoder = sae::transposed_copy(s.W_dec);
  Tensor<float> encoder = sae::transposed_copy(s.W_enc);
  Tensor<float> one = tensor({1}, {0.4f});

  void write(const std::string& dict_class, std::vector<io::NamedTensor> tensors) {
    const io::Json config = {{"trainer",
                              {{"dict_class", dict_class},
                               {"activation_dim", 2},
                               {"dict_size", 3},
                               {"k", 1},
                               {"lm_name", "whisper-nano"},
                               {"submodule_name", "encoder.blocks.1.resid_post"}}}};
    io::write_json(folder.path() / "config.json", config);
    io::write_safetensors(folder.path() / "ae.safetensors", std::move(tensors));
  }
  std::vector<io::NamedTensor> linear(const char* encoder_bias, const char* decoder_bias) {
    return {io::named("encoder.weight", s.W_enc.view()),
            io::named("decoder.weight", decoder.view()), io::named(encoder_bias, s.b_enc.view()),
            io::named(decoder_bias, s.b_dec.view())};
  }
};

}  // namespace

TEST_CASE("sparsify's TopK comes back from its own folder, transcoders without centring") {
  for (const bool transcoder : {false, true}) {
    const TemporaryFolder folder;
    sae::Sae s = tiny_sae();
    s.activation = Activation::topk, s.k = 2;
    s.apply_b_dec_to_input = !transcoder;
    sae::save_sparsify(s, folder.path());
    CHECK(sae::detect_format(folder.path()) == "sparsify");
    const sae::Sae back = sae::load_any(folder.path());
    CHECK(back.k == 2);
    CHECK(back.apply_b_dec_to_input == !transcoder);
    CHECK_CLOSE(codes_of(back), codes_of(s), 0.0);
  }
  CHECK(error_of([] { sae::save_sparsify(tiny_sae(), "unused"); }).find("plain TopK") !=
        std::string::npos);
}

TEST_CASE("sparsify's num_latents 0 means the expansion factor") {
  const TemporaryFolder folder;
  sae::Sae s = tiny_sae();
  s.activation = Activation::topk, s.k = 1;
  s.W_enc = tensor({4, 2}, {1, 0, 0, 1, -1, 0, 0, -1});
  s.W_dec = s.W_enc.clone();
  s.b_enc = Tensor<float>(Shape{4});
  sae::save_sparsify(s, folder.path());
  io::Json cfg = io::read_json(folder.path() / "cfg.json");
  cfg["num_latents"] = 0;
  io::write_json(folder.path() / "cfg.json", cfg);
  CHECK(sae::load_sparsify(folder.path()).F() == 4);
  cfg["activation"] = "groupmax";
  io::write_json(folder.path() / "cfg.json", cfg);
  CHECK(error_of([&] { (void)sae::load_sparsify(folder.path()); }).find("groupmax") !=
        std::string::npos);
}

TEST_CASE("dictionary_learning's classes become the SAEs they are") {
  Foreign f;
  f.write("AutoEncoder", f.linear("encoder.bias", "bias"));
  sae::Sae s = sae::load_any(f.folder.path());
  CHECK(s.site == "encoder.blocks.1.resid_post");
  CHECK_CLOSE(codes_of(s), codes_of(tiny_sae()), 0.0);

  f.write("AutoEncoderNew", f.linear("encoder.bias", "decoder.bias"));
  s = sae::load_any(f.folder.path());
  CHECK_FALSE(s.apply_b_dec_to_input);

  f.write("AutoEncoderTopK", f.linear("encoder.bias", "b_dec"));
  s = sae::load_any(f.folder.path());
  CHECK(s.activation == Activation::topk);
  CHECK(s.k == 1);

  auto tensors = f.linear("encoder.bias", "b_dec");
  tensors.push_back(io::named("threshold", f.one.view()));
  f.write("BatchTopKSAE", tensors);
  s = sae::load_any(f.folder.path());
  CHECK(s.activation == Activation::jumprelu);
  CHECK(s.threshold.shape() == Shape{3});
  f.one[0] = -1;
  f.write("BatchTopKSAE", tensors);
  CHECK(error_of([&] { (void)sae::load_any(f.folder.path()); }).find("never set") !=
        std::string::npos);

  const Tensor<float> theta = tensor({3}, {0.1f, 0.2f, 0.3f});
  f.write("JumpReluAutoEncoder",
          {io::named("W_enc", f.encoder.view()), io::named("W_dec", f.s.W_dec.view()),
           io::named("b_enc", f.s.b_enc.view()), io::named("b_dec", f.s.b_dec.view()),
           io::named("threshold", theta.view())});
  s = sae::load_any(f.folder.path());
  CHECK_FALSE(s.apply_b_dec_to_input);
  CHECK_CLOSE(s.W_enc, f.s.W_enc, 0.0);

  tensors = f.linear("gate_bias", "decoder_bias");
  tensors.push_back(io::named("mag_bias", theta.view()));
  tensors.push_back(io::named("r_mag", theta.view()));
  f.write("GatedAutoEncoder", tensors);
  CHECK(sae::load_any(f.folder.path()).activation == Activation::gated);

  f.write("SomethingElse", f.linear("encoder.bias", "bias"));
  CHECK(error_of([&] { (void)sae::load_any(f.folder.path()); }).find("dict_class") !=
        std::string::npos);
}

TEST_CASE("a folder of no known format says what was looked for") {
  const TemporaryFolder folder;
  CHECK(error_of([&] { (void)sae::load_any(folder.path()); }).find("sae_weights.safetensors") !=
        std::string::npos);
}
