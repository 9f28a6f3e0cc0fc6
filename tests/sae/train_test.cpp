#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "otoscope/core/interrupt.h"
#include "otoscope/io/json.h"
#include "otoscope/kernels/rows.h"
#include "otoscope/sae/train.h"
#include "sae/planted.h"
#include "sae/train/threshold.h"
#include "sae/train/trainee.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;
namespace fs = std::filesystem;

namespace {

const Planted& planted() {
  static const Planted p = plant(6000, 24, 40, 3, 1);
  return p;
}

sae::TrainOptions small(const std::string& arch, int64_t steps = 60) {
  sae::TrainOptions o;
  o.arch = arch;
  o.latents = 64;
  o.k = 4;
  o.steps = steps;
  o.batch = 256;
  o.lr = 5e-3;
  return o;
}

std::vector<sae::Trained> run(const std::vector<sae::TrainOptions>& grid, const fs::path& out,
                              View<const float> x, const sae::RunOptions& how = {}) {
  const sae::MemoryBatches batches(x);
  sae::TrainData data;
  data.input = &batches;
  data.site = "encoder.out";
  data.model_name = "whisper-nano";
  return sae::train(grid, data, out, how, silent_progress());
}

double fvu(const sae::Sae& s, View<const float> x) {
  Tensor<float> xhat(x.shape);
  sae::Encoder(s).reconstruct(x, xhat);
  double error = 0, spread = 0;
  for (int64_t i = 0; i < x.width(); ++i) {
    double mean = 0;
    for (int64_t b = 0; b < x.rows(); ++b) mean += x.at(b, i) / static_cast<double>(x.rows());
    for (int64_t b = 0; b < x.rows(); ++b) {
      error += std::pow(x.at(b, i) - xhat.at(b, i), 2);
      spread += std::pow(x.at(b, i) - mean, 2);
    }
  }
  return error / spread;
}

double mean_l0(const sae::Sae& s, View<const float> x) {
  SparseRows codes;
  sae::Encoder(s).encode(x, codes);
  return static_cast<double>(codes.nnz()) / static_cast<double>(x.rows());
}

}  // namespace

TEST_CASE("a planted dictionary is found again") {
  const TemporaryFolder folder;
  const auto done = run({small("batchtopk", 400), small("topk", 400), small("matryoshka", 400)},
                        folder.path(), planted().x);
  for (const sae::Trained& t : done) {
    CAPTURE(t.name);
    const sae::Sae s = sae::load(t.folder);
    // Narrow prefixes cost Matryoshka some of it.
    const bool nested = s.architecture == "matryoshka";
    CHECK(recovery(planted(), s.W_dec) > (nested ? 0.8 : 0.9));
    CHECK(fvu(s, planted().x) < (nested ? 0.2 : 0.1));
  }
}

TEST_CASE("every architecture learns, and its file runs in raw units") {
  const TemporaryFolder folder;
  std::vector<sae::TrainOptions> grid;
  for (const std::string& arch : sae::architecture_names()) grid.push_back(small(arch, 300));
  grid.push_back(small("relu", 300));
  grid.back().norm_weighted = true;
  for (sae::TrainOptions& o : grid)
    if (o.arch == "relu" || o.arch == "gated") o.sparsity = 0.25;
  // Large raw units: nothing may rest on the trainer's scale.
  Tensor<float> x = planted().x.clone();
  for (int64_t i = 0; i < x.size(); ++i) x[i] *= 37.0f;
  for (const sae::Trained& t : run(grid, folder.path(), x)) {
    CAPTURE(t.name);
    const sae::Sae s = sae::load(t.folder);
    CHECK(fvu(s, x) < 0.35);
    CHECK(s.site == "encoder.out");
    CHECK(s.model_name == "whisper-nano");
    Tensor<float> norms(Shape{s.F()});
    kernels::row_norms(s.W_dec, norms);
    for (int64_t f = 0; f < s.F(); ++f) CHECK(std::fabs(norms[f] - 1.0f) < 1e-5f);
  }
}

TEST_CASE("unattended, every architecture comes to about the L0 asked for") {
  const TemporaryFolder folder;
  std::vector<sae::TrainOptions> grid;
  for (const std::string& arch : sae::architecture_names()) grid.push_back(small(arch, 500));
  grid.push_back(small("relu", 500));
  grid.back().norm_weighted = true;
  const auto done = run(grid, folder.path(), planted().x);
  CHECK(std::count_if(done.begin(), done.end(), [](const sae::Trained& t) {
          return t.name.starts_with("relu-64-k4") || t.name.starts_with("gated-64-k4");
        }) == 3);
  for (const sae::Trained& t : done) {
    CAPTURE(t.name);
    const sae::Sae s = sae::load(t.folder);
    const double l0 = mean_l0(s, planted().x.view().slice(5400, 6000));
    CHECK(l0 > 2.5);
    CHECK(l0 < 6);
    CHECK(fvu(s, planted().x) < 0.35);
  }
}

TEST_CASE("a penalty that is led goes on from a checkpoint to the same bits") {
  const TemporaryFolder folder;
  const sae::MemoryBatches batches(planted().x);
  sae::TrainData data;
  data.input = &batches;
  const auto start = sae::measure(data, 0, 256);
  const View<const float> x = start.x.view().slice(0, 256);
  for (const char* arch : {"relu", "gated"}) {
    CAPTURE(arch);
    const auto options = sae::resolve(small(arch, 60), 24, 24);
    const auto trainee = [&](const char* name) {
      auto t = std::make_unique<sae::Trainee>(options, data, folder.path() / arch / name);
      t->begin(start);
      return t;
    };
    auto whole = trainee("whole"), parts = trainee("parts");
    for (int step = 0; step < 30; ++step) whole->advance(x, x, true), parts->advance(x, x, true);
    parts->checkpoint();
    parts.reset();
    parts = trainee("parts");
    REQUIRE(parts->step() == 30);
    for (int step = 30; step < 60; ++step) whole->advance(x, x, true), parts->advance(x, x, true);
    CHECK_CLOSE(parts->sae().W_enc, whole->sae().W_enc, 0.0);
    CHECK_CLOSE(parts->sae().b_enc, whole->sae().b_enc, 0.0);
  }
}

TEST_CASE("threshold mode keeps k features a row within 5 % on rows never trained on") {
  const TemporaryFolder folder;
  const auto done = run({small("batchtopk", 300)}, folder.path(), planted().x);
  const sae::Sae s = sae::load(done[0].folder);
  CHECK(s.activation == sae::Activation::jumprelu);
  CHECK(s.architecture == "batchtopk");
  const double l0 = mean_l0(s, planted().x.view().slice(5400, 6000));
  CHECK(l0 > 4 * 0.95);
  CHECK(l0 < 4 * 1.05);
}

TEST_CASE("the threshold is the exact quantile of ReLU(z)") {
  sae::Sae s;
  s.W_enc = Tensor<float>(Shape{5, 1});
  s.W_dec = Tensor<float>(Shape{5, 1});
  s.b_enc = Tensor<float>(Shape{5});
  s.b_dec = Tensor<float>(Shape{1});
  for (int64_t f = 0; f < 5; ++f) s.W_enc[f] = static_cast<float>(f - 1);  // -1 0 1 2 3
  Tensor<float> x(Shape{4, 1});
  for (int64_t b = 0; b < 4; ++b) x[b] = 1.0f + 0.1f * static_cast<float>(b);
  sae::ThresholdFinder finder(s, 2, 4);
  for (int64_t b = 0; b < 4; ++b) finder.add(x.view().slice(b, b + 1));
  // z > 0: 3x, 2x, x. The 8 largest of 3, 3.3, 3.6, 3.9, 2 .. 2.6, 1 .. 1.3 end at 2; next is 1.3.
  CHECK(finder.threshold() == doctest::Approx(1.65));
  sae::ThresholdFinder all(s, 4, 4);
  all.add(x);
  CHECK(all.threshold() == 0.0);
}

TEST_CASE("decoder rows have unit norm after each step") {
  const TemporaryFolder folder;
  const sae::MemoryBatches batches(planted().x);
  sae::TrainData data;
  data.input = &batches;
  for (const char* arch : {"topk", "relu", "matryoshka"}) {
    const auto options = sae::resolve(small(arch, 12), 24, 24);
    sae::Trainee t(options, data, folder.path() / arch);
    const auto start = sae::measure(data, 0, 256);
    t.begin(start);
    for (int step = 0; step < 12; ++step) {
      t.advance(start.x.view().slice(0, 256), start.x.view().slice(0, 256), true);
      Tensor<float> norms(Shape{64});
      kernels::row_norms(t.sae().W_dec, norms);
      for (int64_t f = 0; f < 64; ++f) REQUIRE(std::fabs(norms[f] - 1.0f) < 1e-6f);
    }
  }
}

TEST_CASE("a grid in one pass gives the SAEs that single runs give") {
  const TemporaryFolder together, apart;
  auto second = small("topk");
  second.seed_init = 3;
  const auto grid =
      run({small("topk"), second, small("batchtopk", 30)}, together.path(), planted().x);
  CHECK(grid[1].name == "topk-64-k4-lr0.005-s3");
  for (const auto& options : {small("topk"), second, small("batchtopk", 30)}) {
    const auto single = run({options}, apart.path(), planted().x);
    const auto* same = &grid[0];
    for (const auto& t : grid)
      if (t.name == single[0].name) same = &t;
    CHECK(sae::load(single[0].folder).hash == sae::load(same->folder).hash);
  }
  CHECK(sae::load(grid[0].folder).hash != sae::load(grid[1].folder).hash);
}

TEST_CASE("seeds of initialisation and of data are apart") {
  const TemporaryFolder folder;
  auto other_init = small("topk", 5), other_data = small("topk", 5);
  other_init.seed_init = 1, other_data.seed_data = 1;
  const auto done = run({small("topk", 5), other_init, other_data}, folder.path(), planted().x);
  std::vector<std::string> hashes;
  for (const auto& t : done) hashes.push_back(sae::load(t.folder).hash);
  CHECK(hashes[0] != hashes[1]);
  CHECK(hashes[0] != hashes[2]);
  CHECK(hashes[1] != hashes[2]);
}

TEST_CASE("a finished SAE is kept, another plan in its folder is refused") {
  const TemporaryFolder folder;
  const auto first = run({small("topk", 8)}, folder.path(), planted().x);
  CHECK_FALSE(first[0].reused);
  const auto again = run({small("topk", 8)}, folder.path(), planted().x);
  CHECK(again[0].reused);
  CHECK(first[0].sha256 == sae::load(first[0].folder).hash);
  CHECK(again[0].sha256 == first[0].sha256);
  const std::string error = error_of([&] { run({small("topk", 9)}, folder.path(), planted().x); });
  CHECK(error.find("other options") != std::string::npos);
  const Planted others = plant(3000, 24, 40, 3, 2);
  CHECK(error_of([&] {
          run({small("topk", 8)}, folder.path(), others.x);
        }).find("other activations") != std::string::npos);
}

TEST_CASE("ctrl-C leaves a checkpoint from which the same bits come") {
  const TemporaryFolder stopped, whole;
  request_interrupt();
  CHECK_THROWS_AS(run({small("batchtopk")}, stopped.path(), planted().x), Interrupted);
  clear_interrupt();
  const fs::path state = stopped.path() / "batchtopk-64-k4-lr0.005" / "checkpoints";
  CHECK(fs::exists(state / "state.safetensors"));
  auto changed = small("batchtopk");
  changed.steps = 61;
  CHECK(error_of([&] { run({changed}, stopped.path(), planted().x); }).find("other options") !=
        std::string::npos);
  const auto resumed = run({small("batchtopk")}, stopped.path(), planted().x);
  const auto straight = run({small("batchtopk")}, whole.path(), planted().x);
  CHECK(sae::load(resumed[0].folder).hash == sae::load(straight[0].folder).hash);
  CHECK_FALSE(fs::exists(state / "state.safetensors"));
}

TEST_CASE("a checkpoint that is cut short is refused with a line") {
  const TemporaryFolder folder;
  request_interrupt();
  CHECK_THROWS_AS(run({small("topk")}, folder.path(), planted().x), Interrupted);
  clear_interrupt();
  const fs::path state = folder.path() / "topk-64-k4-lr0.005" / "checkpoints/state.safetensors";
  fs::resize_file(state, fs::file_size(state) / 2);
  CHECK(error_of([&] {
          run({small("topk")}, folder.path(), planted().x);
        }).find("state.safetensors") != std::string::npos);
}

TEST_CASE("NaN in activations stops training, names the step, keeps the last checkpoint") {
  const TemporaryFolder folder;
  // A source that goes bad at its seventh batch.
  struct Spoiled : sae::MemoryBatches {
    using MemoryBatches::MemoryBatches;
    void batch(uint64_t seed, int64_t i, View<float> out) const override {
      MemoryBatches::batch(seed, i, out);
      if (i == 6) out[5] = std::numeric_limits<float>::quiet_NaN();
    }
  };
  const Spoiled batches(planted().x);
  sae::TrainData data;
  data.input = &batches;
  sae::RunOptions how;
  how.checkpoint_steps = 2;
  for (const std::string& arch : sae::architecture_names()) {
    CAPTURE(arch);
    auto options = small(arch);
    options.batch = 2048;  // the first sample ends before batch 6
    const std::string error =
        error_of([&] { sae::train({options}, data, folder.path(), how, silent_progress()); });
    CHECK(error.find("step 7") != std::string::npos);
    CHECK(error.find("not finite") != std::string::npos);
    const auto name = sae::name_of(sae::resolve(options, 24, 24));
    CHECK(fs::exists(folder.path() / name / "checkpoints/state.safetensors"));
    CHECK_FALSE(fs::exists(folder.path() / name / "cfg.json"));
  }
}

TEST_CASE("training.jsonl has a line for the logged steps, each with its figures") {
  const TemporaryFolder folder;
  const auto done = run({small("batchtopk", 25)}, folder.path(), planted().x);
  std::ifstream file(done[0].folder / "training.jsonl");
  std::vector<int64_t> steps;
  double first = 0, last = 0;
  for (std::string line; std::getline(file, line);) {
    const io::Json parsed = io::parse_json(line, "training.jsonl");
    steps.push_back(parsed["step"]);
    if (first == 0) first = parsed["fvu"];
    last = parsed["fvu"];
    CHECK(parsed["l0"].get<double>() == doctest::Approx(4.0));
    for (const char* key : {"loss", "dead", "rate", "aux", "seconds", "lr"})
      CHECK(parsed.contains(key));
  }
  CHECK(steps == std::vector<int64_t>{1, 10, 20, 25});
  CHECK(last < first);
}

TEST_CASE("a log that is no log is refused in a line, one that was cut goes on") {
  const TemporaryFolder folder;
  const sae::MemoryBatches batches(planted().x);
  sae::TrainData data;
  data.input = &batches;
  const auto start = sae::measure(data, 0, 256);
  const View<const float> x = start.x.view().slice(0, 256);
  const auto options = sae::resolve(small("topk", 60), 24, 24);
  {
    sae::Trainee t(options, data, folder.path());
    t.begin(start);
    for (int step = 0; step < 2; ++step) t.advance(x, x, true), t.log();
    t.checkpoint();
  }
  const auto log = folder.path() / "training.jsonl";
  const std::string whole = io::read_file(log);
  const auto goes_on = [&](const std::string& more) {
    io::write_file(log, whole + more);
    return error_of([&] { sae::Trainee(options, data, folder.path()).begin(start); });
  };
  CHECK(goes_on("{\"step\": 2, \"sec") == "nothing was thrown");
  CHECK(io::read_file(log) == whole);
  for (const char* line :
       {"{\"step\": \"two\", \"seconds\": 1}\n", "[7]\n", "{\"step\": 2, \"seconds\": null}\n"}) {
    const std::string error = goes_on(line);
    CHECK_MESSAGE(error.find("training.jsonl:3] expected") != std::string::npos, error);
  }
}

TEST_CASE("a transcoder learns another site's activations") {
  const TemporaryFolder folder;
  const Planted& p = planted();
  // The target is a linear map of the input's rows into 10 dimensions.
  Tensor<float> y(Shape{6000, 10});
  for (int64_t b = 0; b < 6000; ++b)
    for (int64_t i = 0; i < 10; ++i) y.at(b, i) = 2.0f * p.x.at(b, i) - p.x.at(b, i + 10) + 1.0f;
  const sae::MemoryBatches input(p.x), target(y);
  sae::TrainData data;
  data.input = &input, data.target = &target;
  data.site = "encoder.blocks.0.ln2", data.target_site = "encoder.blocks.0.mlp_out";
  const auto done =
      sae::train({small("batchtopk", 400)}, data, folder.path(), {}, silent_progress());
  const sae::Sae s = sae::load(done[0].folder);
  CHECK(s.d_out() == 10);
  CHECK(s.target_site == "encoder.blocks.0.mlp_out");
  Tensor<float> yhat(y.shape());
  sae::Encoder(s).reconstruct(p.x, yhat);
  double error = 0, spread = 0;
  for (int64_t i = 0; i < 10; ++i) {
    double mean = 0;
    for (int64_t b = 0; b < 6000; ++b) mean += y.at(b, i) / 6000;
    for (int64_t b = 0; b < 6000; ++b) {
      error += std::pow(y.at(b, i) - yhat.at(b, i), 2);
      spread += std::pow(y.at(b, i) - mean, 2);
    }
  }
  CHECK(error / spread < 0.3);
}

TEST_CASE("the schedule rises, stays and falls to almost nothing") {
  const auto o = sae::resolve(small("topk", 100), 24, 24);
  CHECK(sae::rate_at(o, 0) == doctest::Approx(1.0 / 6));
  CHECK(sae::rate_at(o, 5) == doctest::Approx(1.0));
  CHECK(sae::rate_at(o, 79) == doctest::Approx(1.0));
  CHECK(sae::rate_at(o, 99) == doctest::Approx(1.0 / 21));
}
