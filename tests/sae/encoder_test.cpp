#include <doctest/doctest.h>

#include <cmath>

#include "otoscope/core/rng.h"
#include "otoscope/sae/fold.h"
#include "otoscope/sae/sae.h"
#include "sae/tiny.h"
#include "support/close.h"

using namespace otoscope;
using namespace otoscope::testing;
using sae::Activation;

namespace {

struct Got {
  Tensor<float> z, xhat;
};

Got run(const sae::Sae& s) {
  const Tensor<float> x = tensor({1, 2}, {2, 1});
  const sae::Encoder encoder(s);
  SparseRows codes;
  encoder.encode(x, codes);
  Got got{dense(codes, 3), Tensor<float>(Shape{1, 2})};
  encoder.decode(codes, x, got.xhat);
  return got;
}

void check(const sae::Sae& s, std::vector<float> z, std::vector<float> xhat) {
  const Got got = run(s);
  CHECK_CLOSE(got.z, tensor({1, 3}, z), 1e-5);
  CHECK_CLOSE(got.xhat, tensor({1, 2}, xhat), 1e-5);
}

sae::Sae random_sae(uint64_t seed, int64_t d, int64_t F) {
  Rng rng(seed, "random sae");
  sae::Sae s;
  s.W_enc = Tensor<float>(Shape{F, d});
  s.W_dec = Tensor<float>(Shape{F, d});
  s.b_enc = Tensor<float>(Shape{F});
  s.b_dec = Tensor<float>(Shape{d});
  for (Tensor<float>* t : {&s.W_enc, &s.W_dec, &s.b_enc, &s.b_dec})
    for (int64_t i = 0; i < t->size(); ++i) (*t)[i] = static_cast<float>(rng.normal());
  return s;
}

Tensor<float> random_rows(uint64_t seed, int64_t rows, int64_t d) {
  Rng rng(seed, "random rows");
  Tensor<float> x({rows, d});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
  return x;
}

}  // namespace

TEST_CASE("hand-made SAE: ReLU, with and without centring") {
  sae::Sae s = tiny_sae();
  check(s, {1.5f, 1.5f, 0}, {2, 3});
  s.apply_b_dec_to_input = false;
  check(s, {2, 1.5f, 0}, {2.5f, 3});
}

TEST_CASE("hand-made SAE: TopK takes the lower index of a tie, and rescales by decoder norms") {
  sae::Sae s = tiny_sae();
  s.activation = Activation::topk;
  s.k = 1;
  check(s, {1.5f, 0, 0}, {2, 0});
  s.rescale_by_decoder_norm = true;
  check(s, {0, 3, 0}, {0.5f, 3});
}

TEST_CASE("hand-made SAE: JumpReLU is strict, and a negative threshold is ReLU") {
  sae::Sae s = tiny_sae();
  s.activation = Activation::jumprelu;
  s.threshold = tensor({3}, {1.5f, 1.6f, 0});
  check(s, {0, 0, 0}, {0.5f, 0});
  s.threshold = tensor({3}, {-9, -9, -9});
  check(s, {1.5f, 1.5f, 0}, {2, 3});
}

TEST_CASE("hand-made SAE: gated") {
  sae::Sae s = tiny_sae();
  s.activation = Activation::gated;
  s.b_enc = tensor({3}, {0, -5, 0});
  s.b_mag = tensor({3}, {0.1f, 0.2f, 0.3f});
  s.r_mag = tensor({3}, {0, 0, std::log(2.0f)});
  check(s, {1.6f, 0, 0}, {2.1f, 0});
}

TEST_CASE("hand-made SAE: per-row normalisations are undone") {
  sae::Sae s = tiny_sae();
  s.apply_b_dec_to_input = false;
  s.normalize = sae::Normalize::layer_norm;
  check(s, {0.70710f, 0, 0}, {2.35355f, 1.5f});
  s.normalize = sae::Normalize::constant_norm_rescale;
  check(s, {1.26491f, 0.76491f, 0}, {2.79057f, 2.41886f});
}

TEST_CASE("hand-made SAE: a skip connection sees x as given") {
  sae::Sae s = tiny_sae();
  s.apply_b_dec_to_input = false;
  s.W_skip = tensor({2, 2}, {0, 1, 2, 0});
  check(s, {2, 1.5f, 0}, {3.5f, 7});
}

TEST_CASE("codes of a row do not depend on the batch it came in") {
  for (const Activation activation : {Activation::relu, Activation::topk}) {
    sae::Sae s = random_sae(1, 24, 160);
    s.activation = activation;
    s.k = 9;
    const sae::Encoder encoder(s);
    const Tensor<float> x = random_rows(2, 301, 24);
    SparseRows whole, part;
    encoder.encode(x, whole);
    REQUIRE(whole.rows() == 301);
    for (const int64_t step : {1, 7, 64, 128}) {
      int64_t at = 0;
      for (int64_t begin = 0; begin < 301; begin += step) {
        encoder.encode(x.view().slice(begin, std::min<int64_t>(301, begin + step)), part);
        for (int64_t e = 0; e < part.nnz(); ++e, ++at) {
          REQUIRE(part.indices[static_cast<size_t>(e)] == whole.indices[static_cast<size_t>(at)]);
          REQUIRE(part.values[static_cast<size_t>(e)] == whole.values[static_cast<size_t>(at)]);
        }
      }
      CHECK(at == whole.nnz());
    }
  }
}

TEST_CASE("no rows give no codes") {
  const sae::Sae s = random_sae(3, 8, 16);
  SparseRows codes;
  sae::Encoder(s).encode(Tensor<float>(Shape{0, 8}), codes);
  CHECK(codes.rows() == 0);
}

TEST_CASE("folding a scale, in both forms, gives the reconstructions of scaled input") {
  const Tensor<float> x = random_rows(5, 40, 12);
  for (const Activation activation :
       {Activation::relu, Activation::topk, Activation::jumprelu, Activation::gated}) {
    const auto make = [&] {
      sae::Sae s = random_sae(4, 12, 48);
      s.activation = activation;
      s.k = 5;
      if (activation == Activation::jumprelu) s.threshold = Tensor<float>(Shape{48});
      if (activation == Activation::gated)
        s.b_mag = Tensor<float>(Shape{48}), s.r_mag = Tensor<float>(Shape{48});
      for (int64_t f = 0; f < 48; ++f) {
        if (!s.threshold.empty()) s.threshold[f] = 0.02f * static_cast<float>(f);
        if (!s.b_mag.empty())
          s.b_mag[f] = 0.01f * static_cast<float>(f),
          s.r_mag[f] = 0.1f - 0.01f * static_cast<float>(f);
      }
      return s;
    };
    const double scale = 0.37;
    Tensor<float> scaled = x.clone();
    for (int64_t i = 0; i < scaled.size(); ++i) scaled[i] *= static_cast<float>(scale);
    const sae::Sae plain = make();
    Tensor<float> want(Shape{40, 12}), got(Shape{40, 12});
    sae::Encoder(plain).reconstruct(scaled, want);
    for (int64_t i = 0; i < want.size(); ++i) want[i] /= static_cast<float>(scale);
    sae::Sae folded = make();
    sae::fold_scale(folded, scale, scale);
    sae::Encoder(folded).reconstruct(x, got);
    CHECK_CLOSE(got, want, 1e-5);
    CHECK_CLOSE(folded.W_dec, plain.W_dec, 0.0);
    sae::Sae weights = make();
    sae::fold_scale_into_weights(weights, scale, scale);
    sae::Encoder(weights).reconstruct(x, got);
    CHECK_CLOSE(got, want, 1e-5);
    sae::Sae unit = make();
    if (activation == Activation::topk) continue;  // norms change which k are largest
    sae::fold_decoder_norms(unit);
    sae::Encoder(unit).reconstruct(scaled, got);
    for (int64_t i = 0; i < got.size(); ++i) got[i] /= static_cast<float>(scale);
    CHECK_CLOSE(got, want, 1e-5);
  }
}
