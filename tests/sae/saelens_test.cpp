#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/sae/sae.h"
#include "sae/tiny.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;
using sae::Activation;
namespace fs = std::filesystem;

namespace {

io::Json config(const fs::path& folder) { return io::read_json(folder / "cfg.json"); }

/// Writes the tiny SAE, lets `change` spoil cfg.json, and gives the error of loading it.
template <class Change>
std::string error_after(Change&& change) {
  const TemporaryFolder folder;
  sae::Sae s = tiny_sae();
  sae::save(s, folder.path());
  io::Json cfg = config(folder.path());
  change(cfg, folder.path());
  io::write_json(folder.path() / "cfg.json", cfg);
  return error_of([&] { (void)sae::load(folder.path()); });
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Replaces the weights by these, without the old hash.
void rewrite(io::Json& cfg, const fs::path& folder, std::vector<io::NamedTensor> tensors) {
  io::write_safetensors(folder / "sae_weights.safetensors", std::move(tensors));
  cfg["metadata"]["otoscope"].erase("sha256");
}

}  // namespace

TEST_CASE("every architecture survives a round trip, byte for byte") {
  for (const Activation activation :
       {Activation::relu, Activation::topk, Activation::jumprelu, Activation::gated}) {
    const TemporaryFolder folder;
    sae::Sae s = tiny_sae();
    s.activation = activation;
    s.architecture = "matryoshka";
    s.matryoshka_widths = {1, 3};
    s.model_hash = "abc";
    s.k = activation == Activation::topk ? 2 : 0;
    if (activation == Activation::jumprelu) s.threshold = tensor({3}, {0.25f, 0.5f, 1});
    if (activation == Activation::gated)
      s.b_mag = tensor({3}, {1, 2, 3}), s.r_mag = tensor({3}, {0, 1, -1});
    sae::save(s, folder.path());
    sae::Sae back = sae::load(folder.path());
    CHECK(back.activation == activation);
    CHECK(back.architecture == "matryoshka");
    CHECK(back.matryoshka_widths == std::vector<int64_t>{1, 3});
    CHECK(back.site == s.site);
    CHECK(back.model_name == "whisper-nano");
    CHECK(back.model_hash == "abc");
    CHECK(back.k == s.k);
    CHECK(back.hash == s.hash);
    CHECK_CLOSE(back.W_enc, s.W_enc, 0.0);
    CHECK_CLOSE(back.W_dec, s.W_dec, 0.0);
    CHECK_CLOSE(back.b_enc, s.b_enc, 0.0);
    CHECK_CLOSE(back.b_dec, s.b_dec, 0.0);
    if (activation == Activation::jumprelu) CHECK_CLOSE(back.threshold, s.threshold, 0.0);
    const std::string first = io::read_file(folder.path() / "cfg.json");
    sae::save(back, folder.path());
    CHECK(io::read_file(folder.path() / "cfg.json") == first);
  }
}

TEST_CASE("W_enc lies in the file as SAELens has it: (d_in, d_sae)") {
  const TemporaryFolder folder;
  sae::Sae s = tiny_sae();
  sae::save(s, folder.path());
  const auto file = io::Safetensors::open(folder.path() / "sae_weights.safetensors");
  CHECK_CLOSE(file.floats("W_enc"), tensor({2, 3}, {1, 0, -1, 0, 2, 1}), 0.0);
  CHECK(file.names() == std::vector<std::string>{"W_dec", "W_enc", "b_dec", "b_enc"});
}

TEST_CASE("transcoders keep their target and never centre the input") {
  const TemporaryFolder folder;
  sae::Sae s = tiny_sae();
  s.W_dec = tensor({3, 1}, {1, 2, 3});
  s.b_dec = tensor({1}, {0.5f});
  s.target_site = "encoder.blocks.1.mlp_out";
  s.apply_b_dec_to_input = false;
  sae::save(s, folder.path());
  const sae::Sae back = sae::load(folder.path());
  CHECK(config(folder.path())["architecture"] == "transcoder");
  CHECK(back.d_out() == 1);
  CHECK(back.target_site == s.target_site);
  CHECK_FALSE(back.apply_b_dec_to_input);
}

TEST_CASE("a damaged folder is refused with one line") {
  using Path = fs::path;
  CHECK(has(error_after([](io::Json& cfg, const Path&) { cfg["architecture"] = "temporal"; }),
            "expected an architecture of standard"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) { cfg["architecture"] = "batchtopk"; }),
            "training checkpoint"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) { cfg.erase("d_in"); }), "d_in"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) { cfg["d_in"] = -2; }), "d_in"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) { cfg["d_sae"] = 5; }), "shape (2, 5)"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) {
              cfg["d_in"] = 3;
              cfg["d_sae"] = 2;
            }),
            "transposed"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) { cfg["normalize_activations"] = "x"; }),
            "normalize_activations"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) {
              cfg["metadata"]["otoscope"]["sha256"] = std::string(64, '0');
            }),
            "SHA-256"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) { cfg["architecture"] = "topk"; }), "k"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) {
              cfg["architecture"] = "topk";
              cfg["k"] = 4;
            }),
            "k <= d_sae"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) { cfg["architecture"] = "jumprelu"; }),
            "threshold"));
  CHECK(has(error_after([](io::Json& cfg, const Path&) { cfg["metadata"] = 3; }), "metadata"));
}

TEST_CASE("weights that are cut, of the wrong type, missing, surplus or not finite are refused") {
  const sae::Sae s = tiny_sae();
  const std::vector<int32_t> integers(6, 1);
  const View<const int32_t> as_integers{integers.data(), {2, 3}};
  const Tensor<float> W_enc = tensor({2, 3}, {1, 0, -1, 0, 2, 1});
  const auto others = [&] {
    return std::vector<io::NamedTensor>{io::named("W_dec", s.W_dec.view()),
                                        io::named("b_dec", s.b_dec.view()),
                                        io::named("b_enc", s.b_enc.view())};
  };
  CHECK(has(
      error_after([&](io::Json& cfg, const fs::path& folder) { rewrite(cfg, folder, others()); }),
      "W_enc"));
  CHECK(has(error_after([&](io::Json& cfg, const fs::path& folder) {
              auto tensors = others();
              tensors.push_back(io::named("W_enc", as_integers));
              rewrite(cfg, folder, tensors);
            }),
            "W_enc"));
  CHECK(has(error_after([&](io::Json& cfg, const fs::path& folder) {
              auto tensors = others();
              tensors.push_back(io::named("W_enc", W_enc.view()));
              tensors.push_back(io::named("extra", W_enc.view()));
              rewrite(cfg, folder, tensors);
            }),
            "extra"));
  Tensor<float> broken = W_enc.clone();
  broken[4] = std::numeric_limits<float>::quiet_NaN();
  CHECK(has(error_after([&](io::Json& cfg, const fs::path& folder) {
              auto tensors = others();
              tensors.push_back(io::named("W_enc", broken.view()));
              rewrite(cfg, folder, tensors);
            }),
            "finite"));
  const std::string cut = error_after([](io::Json&, const fs::path& folder) {
    const fs::path weights = folder / "sae_weights.safetensors";
    fs::resize_file(weights, fs::file_size(weights) - 5);
  });
  CHECK(has(cut, "sae_weights.safetensors"));
  const TemporaryFolder empty;
  CHECK(has(error_of([&] { (void)sae::load(empty.path()); }), "cfg.json"));
}

TEST_CASE("square weights need a stated format") {
  const TemporaryFolder folder;
  sae::Sae s = tiny_sae();
  s.W_dec = tensor({2, 2}, {1, 0, 0, 1});
  s.W_enc = tensor({2, 2}, {1, 2, 3, 4});
  s.b_enc = tensor({2}, {0, 0});
  sae::save(s, folder.path());
  CHECK_CLOSE(sae::load(folder.path()).W_enc, s.W_enc, 0.0);
  io::Json cfg = config(folder.path());
  cfg["metadata"].erase("sae_lens_version");
  io::write_json(folder.path() / "cfg.json", cfg);
  CHECK(has(error_of([&] { (void)sae::load(folder.path()); }), "orientation"));
}
