#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/core/interrupt.h"
#include "otoscope/io/json.h"
#include "otoscope/sae/train.h"
#include "otoscope/sae/untrained.h"
#include "sae/planted.h"
#include "sae/train/trainee.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;
namespace fs = std::filesystem;

namespace {

/// Two sites: what one feature adds to the first and to the second; with `linear` the second also
/// holds a dense linear map of the first. In raw units of their own.
struct TwoSites {
  Planted in, out;
  Tensor<float> x, y, M;
};

TwoSites two_sites(int64_t rows, bool linear) {
  constexpr int64_t kIn = 24, kOut = 20, kFeatures = 40;
  TwoSites t{plant(rows, kIn, kFeatures, 3, 1), plant(1, kOut, kFeatures, 3, 2), {}, {}, {}};
  t.x = Tensor<float>(Shape{rows, kIn}), t.y = Tensor<float>(Shape{rows, kOut});
  t.M = Tensor<float>(Shape{kOut, kIn});
  Rng rng(3, "two sites");
  for (int64_t i = 0; i < t.M.size(); ++i)
    t.M[i] = linear ? static_cast<float>(0.8 * rng.normal()) : 0.0f;
  for (int64_t b = 0; b < rows; ++b) {
    for (int64_t i = 0; i < kIn; ++i)
      t.x.at(b, i) =
          0.5f * static_cast<float>(i % 3) + (linear ? static_cast<float>(rng.normal()) : 0.0f);
    for (int64_t i = 0; i < kOut; ++i) t.y.at(b, i) = 1.0f - 0.3f * static_cast<float>(i % 2);
    for (int n = 0; n < 3; ++n) {
      const auto f = static_cast<int64_t>(rng.below(kFeatures));
      const auto size = static_cast<float>(rng.uniform(2.0, 4.0)) * (linear ? 3.0f : 1.0f);
      for (int64_t i = 0; i < kIn; ++i) t.x.at(b, i) += size * t.in.directions.at(f, i);
      for (int64_t i = 0; i < kOut; ++i) t.y.at(b, i) += size * t.out.directions.at(f, i);
    }
    for (int64_t i = 0; i < kOut; ++i)
      for (int64_t j = 0; j < kIn; ++j) t.y.at(b, i) += t.M.at(i, j) * t.x.at(b, j);
  }
  for (int64_t i = 0; i < t.x.size(); ++i) t.x[i] *= 37.0f;
  for (int64_t i = 0; i < t.y.size(); ++i) t.y[i] *= 0.2f;
  return t;
}

sae::TrainOptions small(const std::string& arch, bool skip, int64_t steps) {
  sae::TrainOptions o;
  o.arch = arch;
  o.latents = 64;
  o.k = 4;
  o.steps = steps;
  o.batch = 256;
  o.lr = 5e-3;
  o.skip = skip;
  return o;
}

std::vector<sae::Trained> run(const std::vector<sae::TrainOptions>& grid, const fs::path& out,
                              const TwoSites& t) {
  const sae::MemoryBatches x(t.x), y(t.y);
  sae::TrainData data;
  data.input = &x, data.target = &y;
  data.site = "encoder.blocks.1.ln2", data.target_site = "encoder.blocks.1.mlp_out";
  data.model_name = "whisper-nano";
  return sae::train(grid, data, out, {}, silent_progress());
}

double fvu(const sae::Sae& s, View<const float> x, View<const float> y) {
  Tensor<float> xhat(y.shape);
  sae::Encoder(s).reconstruct(x, xhat);
  double error = 0, spread = 0;
  for (int64_t i = 0; i < y.width(); ++i) {
    double mean = 0;
    for (int64_t b = 0; b < y.rows(); ++b) mean += y.at(b, i) / static_cast<double>(y.rows());
    for (int64_t b = 0; b < y.rows(); ++b) {
      error += std::pow(y.at(b, i) - xhat.at(b, i), 2);
      spread += std::pow(y.at(b, i) - mean, 2);
    }
  }
  return error / spread;
}

}  // namespace

TEST_CASE("a transcoder finds the planted outputs of the planted inputs") {
  const TemporaryFolder folder;
  const TwoSites t = two_sites(6000, false);
  for (const sae::Trained& one :
       run({small("batchtopk", false, 600), small("matryoshka", false, 600)}, folder.path(), t)) {
    CAPTURE(one.name);
    const sae::Sae s = sae::load(one.folder);
    const bool nested = s.architecture == "matryoshka";
    CHECK(recovery(t.out, s.W_dec) > (nested ? 0.75 : 0.9));
    CHECK(recovery(t.in, s.W_enc) > 0.6);  // readers are not planted, only what they must see
    CHECK(fvu(s, t.x, t.y) < (nested ? 0.25 : 0.15));
    CHECK(s.target_site == "encoder.blocks.1.mlp_out");
    CHECK_FALSE(s.apply_b_dec_to_input);
    const auto cfg = io::read_json(one.folder / "cfg.json");
    CHECK(cfg.at("architecture") == "jumprelu_transcoder");
    CHECK(cfg.at("d_in") == 24);
    CHECK(cfg.at("d_out") == 20);
    CHECK(cfg.at("metadata").at("hook_name_out") == "encoder.blocks.1.mlp_out");
  }
}

TEST_CASE("a skip takes what is linear, in raw units, and codes explain the rest") {
  const TemporaryFolder folder;
  const TwoSites t = two_sites(6000, true);
  const auto done = run({small("batchtopk", false, 800), small("batchtopk", true, 800),
                         small("jumprelu", true, 800), small("relu", true, 800)},
                        folder.path(), t);
  const double without = fvu(sae::load(done[0].folder), t.x, t.y);
  CHECK(without > 0.1);  // a dense linear part is more than four features can say
  for (size_t i = 1; i < done.size(); ++i) {
    CAPTURE(done[i].name);
    CHECK(done[i].name.find("-skip") != std::string::npos);
    const sae::Sae s = sae::load(done[i].folder);
    REQUIRE((s.W_skip.shape() == Shape{20, 24}));
    CHECK(fvu(s, t.x, t.y) < 0.6 * without);
    // The planted map in raw units: 0.2 M / 37.
    double dot = 0, own = 0, planted = 0;
    for (int64_t j = 0; j < s.W_skip.size(); ++j) {
      const double want = 0.2 / 37 * t.M[j];
      dot += want * s.W_skip[j], own += std::pow(s.W_skip[j], 2), planted += want * want;
    }
    CHECK(dot / std::sqrt(own * planted) > 0.8);
    CHECK(std::sqrt(own / planted) == doctest::Approx(1).epsilon(0.3));
  }
  CHECK(io::read_json(done[1].folder / "cfg.json").at("architecture") ==
        "jumprelu_skip_transcoder");
  CHECK(io::read_json(done[3].folder / "cfg.json").at("architecture") == "skip_transcoder");
}

TEST_CASE("a skip transcoder that was stopped goes on to the same bits") {
  const TemporaryFolder stopped, whole;
  const TwoSites t = two_sites(3000, true);
  const auto options = small("batchtopk", true, 40);
  request_interrupt();
  CHECK_THROWS_AS(run({options}, stopped.path(), t), Interrupted);
  clear_interrupt();
  const auto resumed = run({options}, stopped.path(), t);
  const auto straight = run({options}, whole.path(), t);
  CHECK(sae::load(resumed[0].folder).hash == sae::load(straight[0].folder).hash);
  CHECK(run({options}, whole.path(), t)[0].reused);
}

TEST_CASE("an untrained transcoder fires as often as asked and explains nothing") {
  const TwoSites t = two_sites(3000, false);
  const sae::MemoryBatches x(t.x), y(t.y);
  sae::TrainData data;
  data.input = &x, data.target = &y;
  data.site = "a", data.target_site = "b";
  const sae::Sae s = sae::untrained_sae(sae::resolve(small("batchtopk", false, 1), 24, 20), data);
  SparseRows codes;
  sae::Encoder(s).encode(t.x, codes);
  CHECK(static_cast<double>(codes.nnz()) / 3000 == doctest::Approx(4).epsilon(0.2));
  CHECK(fvu(s, t.x, t.y) > 0.9);
  CHECK(s.target_site == "b");
}

TEST_CASE("what no transcoder can be is refused before it is trained") {
  const TemporaryFolder folder;
  const TwoSites t = two_sites(600, false);
  for (const char* arch : {"topk", "gated"})
    CHECK(error_of([&] { run({small(arch, false, 2)}, folder.path(), t); }).find("thresholds") !=
          std::string::npos);
  const sae::MemoryBatches x(t.x);
  sae::TrainData alone;
  alone.input = &x;
  CHECK(error_of([&] {
          sae::train({small("batchtopk", true, 2)}, alone, folder.path(), {}, silent_progress());
        }).find("--target") != std::string::npos);
}

TEST_CASE("SAEs trained before skips existed keep their plans") {
  CHECK_FALSE(sae::options_json(small("batchtopk", false, 2)).contains("skip"));
  CHECK(sae::options_json(small("batchtopk", true, 2)).at("skip") == true);
}
