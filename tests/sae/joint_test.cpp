// Crosscoders and cross-layer transcoders: training, files, what is refused.
#include "otoscope/sae/joint.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "otoscope/core/interrupt.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/sae/train.h"
#include "otoscope/sae/untrained.h"
#include "sae/planted.h"
#include "sae/tiny.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kWidth = 20, kTruth = 30;

/// Three layers. What a truth of layer l adds to input l it adds to outputs l, l+1 and l+2, each
/// along a direction of its own; truth f of all layers is f % 3 == l. In units of their own.
struct Layers {
  std::vector<Tensor<float>> x, y;
};

Layers plant_layers(int64_t rows) {
  Layers t;
  std::vector<Planted> in, out;
  for (uint64_t l = 0; l < 3; ++l) in.push_back(plant(1, kWidth, kTruth, 1, 10 + l));
  for (uint64_t l = 0; l < 3; ++l) out.push_back(plant(1, kWidth, kTruth, 1, 20 + l));
  for (int l = 0; l < 3; ++l) t.x.emplace_back(Shape{rows, kWidth});
  for (int l = 0; l < 3; ++l) t.y.emplace_back(Shape{rows, kWidth});
  Rng rng(5, "three layers");
  for (int64_t b = 0; b < rows; ++b) {
    for (size_t l = 0; l < 3; ++l)
      for (int64_t i = 0; i < kWidth; ++i)
        t.x[l].at(b, i) = 0.4f * static_cast<float>(i % 3), t.y[l].at(b, i) = 1.0f;
    for (int n = 0; n < 4; ++n) {
      const auto f = static_cast<int64_t>(rng.below(kTruth));
      const auto size = static_cast<float>(rng.uniform(2.0, 4.0));
      for (int64_t i = 0; i < kWidth; ++i) {
        t.x[static_cast<size_t>(f % 3)].at(b, i) +=
            size * in[static_cast<size_t>(f % 3)].directions.at(f, i);
        for (auto m = static_cast<size_t>(f % 3); m < 3; ++m)
          t.y[m].at(b, i) += size * out[m].directions.at(f, i);
      }
    }
  }
  const float units[] = {30.0f, 1.0f, 0.05f};
  for (size_t l = 0; l < 3; ++l) {
    for (int64_t i = 0; i < t.x[l].size(); ++i) t.x[l][i] *= units[l];
    for (int64_t i = 0; i < t.y[l].size(); ++i) t.y[l][i] *= units[2 - l];
  }
  return t;
}

/// Two sites: truths 0..9 write both, 10..19 the first alone, 20..29 the second alone.
struct TwoSides {
  Tensor<float> a, b;
};

TwoSides plant_sides(int64_t rows, int64_t narrow = kWidth) {
  const Planted a = plant(1, kWidth, kTruth, 1, 31), b = plant(1, narrow, kTruth, 1, 32);
  TwoSides t{Tensor<float>({rows, kWidth}), Tensor<float>({rows, narrow})};
  Rng rng(6, "two sides");
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < kWidth; ++i) t.a.at(r, i) = 7.0f;
    for (int n = 0; n < 4; ++n) {
      const auto f = static_cast<int64_t>(rng.below(kTruth));
      const auto size = static_cast<float>(rng.uniform(2.0, 4.0));
      for (int64_t i = 0; f < 20 && i < kWidth; ++i)
        t.a.at(r, i) += 25.0f * size * a.directions.at(f, i);
      for (int64_t i = 0; (f < 10 || f >= 20) && i < narrow; ++i)
        t.b.at(r, i) += 0.1f * size * b.directions.at(f, i);
    }
  }
  return t;
}

/// Everything that TrainData borrows.
struct Joined {
  std::vector<std::unique_ptr<sae::MemoryBatches>> parts;
  std::unique_ptr<sae::JoinedBatches> input, target;
  sae::TrainData data;

  std::unique_ptr<sae::JoinedBatches> join(const std::vector<View<const float>>& rows,
                                           const std::string& name, std::vector<sae::Port>& ports) {
    std::vector<const sae::BatchSource*> each;
    for (const View<const float>& one : rows)
      each.push_back(parts.emplace_back(std::make_unique<sae::MemoryBatches>(one)).get());
    auto joined = std::make_unique<sae::JoinedBatches>(each);
    for (int64_t i = 0; i < joined->parts(); ++i)
      ports.push_back({"encoder.blocks." + std::to_string(i) + "." + name, "nano", "hash",
                       each[static_cast<size_t>(i)]->d(), joined->scale(i)});
    return joined;
  }
};

Joined joined(const Layers& t) {
  Joined j;
  j.input = j.join({t.x[0], t.x[1], t.x[2]}, "ln2", j.data.inputs);
  j.target = j.join({t.y[0], t.y[1], t.y[2]}, "mlp_out", j.data.targets);
  j.data.input = j.input.get(), j.data.target = j.target.get();
  return j;
}

Joined joined(const TwoSides& t) {
  Joined j;
  j.input = j.join({t.a, t.b}, "resid_post", j.data.inputs);
  j.data.input = j.input.get();
  return j;
}

sae::TrainOptions small(int64_t latents, int64_t steps) {
  sae::TrainOptions o;
  o.latents = latents, o.k = 2, o.steps = steps;
  o.batch = 256;
  o.lr = 5e-3;
  return o;
}

Tensor<float> beside(const std::vector<View<const float>>& parts) {
  const int64_t rows = parts[0].rows(), d = parts[0].width();
  Tensor<float> all({rows, d * static_cast<int64_t>(parts.size())});
  for (size_t p = 0; p < parts.size(); ++p)
    for (int64_t b = 0; b < rows; ++b)
      std::copy_n(parts[p].row(b), d, all.view().row(b) + static_cast<int64_t>(p) * d);
  return all;
}

/// FVU of one block of columns.
double fvu(View<const float> xhat, View<const float> y, int64_t from, int64_t width) {
  double error = 0, spread = 0;
  for (int64_t i = from; i < from + width; ++i) {
    double mean = 0;
    for (int64_t b = 0; b < y.rows(); ++b) mean += y.at(b, i) / static_cast<double>(y.rows());
    for (int64_t b = 0; b < y.rows(); ++b) {
      error += std::pow(double(y.at(b, i)) - xhat.at(b, i), 2);
      spread += std::pow(double(y.at(b, i)) - mean, 2);
    }
  }
  return error / spread;
}

/// Codes and outputs for 16 rows are those of the other side; how many codes there are.
int64_t check_golden(const sae::Joint& s, const std::string& name, int64_t width) {
  const auto expect = io::Safetensors::open(golden(name + "/expect.safetensors"));
  const Tensor<float> x = expect.floats("x", {16, width});
  SparseRows codes;
  const sae::JointEncoder encoder(s);
  encoder.encode(x, codes);
  CHECK_CLOSE(dense(codes, s.sae.F()), expect.floats("codes", {16, s.sae.F()}), 1e-6);
  Tensor<float> xhat({16, width});
  encoder.decode(codes, xhat);
  CHECK_CLOSE(xhat, expect.floats("xhat", {16, width}), 1e-6);
  return codes.nnz();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("circuit-tracer's cross-layer transcoders give its codes and its outputs") {
  for (const char* name : {"joint/clt", "joint/clt_relu"}) {
    CAPTURE(name);
    const sae::Joint s = sae::load_joint(golden(name));
    CHECK(s.sources == 3);
    CHECK(s.outputs == 3);
    CHECK(s.group() == 12);
    CHECK(check_golden(s, name, 24) > 60);
  }
}

TEST_CASE("a crosscoder of dictionary_learning's layout gives its codes and its outputs") {
  const sae::Joint s = sae::load_joint(golden("joint/crosscoder"));
  CHECK(s.sources == 1);
  CHECK(s.outputs == 2);
  CHECK(check_golden(s, "joint/crosscoder", 16) > 20);
}

TEST_CASE(
    "a cross-layer transcoder learns layers that write ahead, and its file runs in raw units") {
  const TemporaryFolder folder;
  const Layers t = plant_layers(6000);
  const Joined j = joined(t);
  sae::TrainOptions o = small(32, 500);
  const auto done = sae::train({o}, j.data, folder.path(), {}, silent_progress());
  CHECK(done[0].name.rfind("clt3-batchtopk-32-k2", 0) == 0);
  const sae::Joint s = sae::load_joint(done[0].folder);
  const Tensor<float> x = beside({t.x[0], t.x[1], t.x[2]}), y = beside({t.y[0], t.y[1], t.y[2]});
  Tensor<float> xhat(y.shape());
  SparseRows codes;
  const sae::JointEncoder encoder(s);
  encoder.encode(x, codes);
  encoder.decode(codes, xhat);
  for (int64_t m = 0; m < 3; ++m) {
    CAPTURE(m);
    CHECK(fvu(xhat, y, m * kWidth, kWidth) < 0.15);
  }
  // k a row and layer, by a threshold of its own for each layer.
  CHECK(static_cast<double>(codes.nnz()) / 6000 == doctest::Approx(6).epsilon(0.08));
  // Each layer's transcoder alone cannot know what earlier layers write: that is what crossing is.
  for (int64_t f = 0; f < s.sae.F(); ++f)
    for (int64_t i = 0; i < f / 32 * kWidth; ++i) CHECK(s.sae.W_dec.at(f, i) == 0.0f);
  double ahead = 0, all = 0;
  const Tensor<float> norms = sae::output_norms(s);
  for (int64_t f = 0; f < 32; ++f)
    for (int64_t m = 0; m < 3; ++m) all += norms.at(f, m), ahead += m > 0 ? norms.at(f, m) : 0;
  CHECK(ahead / all > 0.4);
  CHECK(s.inputs[2].site == "encoder.blocks.2.ln2");
  CHECK(s.targets[1].site == "encoder.blocks.1.mlp_out");
  // The start of the same training explains next to nothing.
  const sae::Joint start = sae::untrained_joint(sae::resolve(o, kWidth, kWidth), j.data);
  const sae::JointEncoder first(start);
  first.encode(x, codes);
  first.decode(codes, xhat);
  for (int64_t m = 0; m < 3; ++m) CHECK(fvu(xhat, y, m * kWidth, kWidth) > 0.3);
}

TEST_CASE("a crosscoder tells what two sites share from what one has alone") {
  for (const int64_t narrow : {kWidth, int64_t{14}}) {  // the other site may be narrower
    CAPTURE(narrow);
    const TemporaryFolder folder;
    const TwoSides t = plant_sides(6000, narrow);
    const Joined j = joined(t);
    sae::TrainOptions o = small(40, 800);
    o.k = 4;
    const auto done = sae::train({o}, j.data, folder.path(), {}, silent_progress());
    CHECK(done[0].name.rfind("crosscoder2-batchtopk-40-k4", 0) == 0);
    const sae::Joint s = sae::load_joint(done[0].folder);
    CHECK(s.part() == kWidth);
    Tensor<float> wide({6000, kWidth});
    for (int64_t b = 0; b < 6000; ++b) std::copy_n(t.b.view().row(b), narrow, wide.view().row(b));
    const Tensor<float> x = beside({t.a, wide});
    Tensor<float> xhat(x.shape());
    SparseRows codes;
    const sae::JointEncoder encoder(s);
    encoder.encode(x, codes);
    encoder.decode(codes, xhat);
    CHECK(fvu(xhat, x, 0, kWidth) < 0.15);
    CHECK(fvu(xhat, x, kWidth, narrow) < 0.15);
    for (int64_t b = 0; b < 10; ++b)
      for (int64_t i = narrow; i < kWidth; ++i) CHECK(xhat.at(b, kWidth + i) == 0.0f);
    // By the share of the second site: a third of the truths each in the first, both, the second.
    std::vector<int64_t> fired(40);
    for (const int32_t f : codes.indices) ++fired[static_cast<size_t>(f)];
    const Tensor<float> norms = sae::output_norms(s);
    int first = 0, both = 0, second = 0;
    for (int64_t f = 0; f < 40; ++f) {
      if (fired[static_cast<size_t>(f)] < 100) continue;
      const double share = norms.at(f, 1) / (norms.at(f, 0) + norms.at(f, 1));
      (share < 0.2 ? first : share > 0.8 ? second : both) += 1;
    }
    CHECK(first >= 7);
    CHECK(both >= 7);
    CHECK(second >= 7);
  }
}

TEST_CASE("a training over several sites that was interrupted ends with the same bits") {
  const TemporaryFolder folder;
  const Layers t = plant_layers(3000);
  const TwoSides sides = plant_sides(3000);
  const auto bytes = [](const fs::path& path) { return io::read_file(path, 1 << 26); };
  for (const bool cross_layer : {true, false}) {
    CAPTURE(cross_layer);
    const Joined j = cross_layer ? joined(t) : joined(sides);
    const std::string name = cross_layer ? "clt" : "crosscoder";
    const auto whole = sae::train({small(24, 40)}, j.data, folder.path() / (name + "-whole"), {},
                                  silent_progress());
    // Stopped in the middle, twice.
    struct Stopping : Progress {
      int64_t at;
      explicit Stopping(int64_t step) : at(step) {}
      void start(std::string_view, int64_t, std::string_view) override {}
      void advance(int64_t done, std::string_view) override {
        if (done == at) request_interrupt();
      }
      void finish() override {}
      void note(std::string_view) override {}
    };
    const fs::path out = folder.path() / (name + "-parts");
    for (const int64_t at : {13, 27}) {
      Stopping stop(at);
      CHECK_THROWS_AS(sae::train({small(24, 40)}, j.data, out, {}, stop), Interrupted);
      clear_interrupt();
    }
    const auto parts = sae::train({small(24, 40)}, j.data, out, {}, silent_progress());
    for (const char* file : {"W_enc_0.safetensors", "W_dec_0.safetensors", "W_dec_2.safetensors",
                             "model.safetensors", "otoscope.json"}) {
      if (!fs::exists(whole[0].folder / file)) continue;
      CAPTURE(file);
      CHECK(bytes(whole[0].folder / file) == bytes(parts[0].folder / file));
    }
    CHECK(sae::is_joint(parts[0].folder));
    CHECK(parts[0].sha256 == sae::load_joint(parts[0].folder).sae.hash);
    CHECK(sae::train({small(24, 40)}, j.data, out, {}, silent_progress())[0].reused);
    const std::string other =
        error_of([&] { sae::train({small(24, 41)}, j.data, out, {}, silent_progress()); });
    CHECK(has(other, "other options"));
  }
}

TEST_CASE("both layouts survive a round trip") {
  const TemporaryFolder folder;
  for (const char* name : {"joint/clt", "joint/crosscoder"}) {
    CAPTURE(name);
    sae::Joint s = sae::load_joint(golden(name));
    for (size_t i = 0; i < s.inputs.size(); ++i) {
      const std::string block = "encoder.blocks." + std::to_string(i);
      s.inputs[i].site = block + ".ln2";
      if (!s.targets.empty()) s.targets[i].site = block + ".mlp_out";
    }
    sae::save_joint(s, folder.path() / name);
    const sae::Joint again = sae::load_joint(folder.path() / name);
    CHECK_CLOSE(again.sae.W_enc, s.sae.W_enc, 0.0);
    CHECK_CLOSE(again.sae.W_dec, s.sae.W_dec, 0.0);
    CHECK_CLOSE(again.sae.b_enc, s.sae.b_enc, 0.0);
    CHECK_CLOSE(again.sae.b_dec, s.sae.b_dec, 0.0);
    CHECK_CLOSE(again.sae.threshold, s.sae.threshold, 1e-6);
    CHECK(again.inputs[1].site == "encoder.blocks.1.ln2");
    CHECK(again.sae.hash == s.sae.hash);
    for (const char* file : {"W_enc_1.safetensors", "W_dec_1.safetensors"})
      if (fs::exists(golden(std::string(name) + "/" + file))) {
        const auto ours = io::Safetensors::open(folder.path() / name / file);
        const auto theirs = io::Safetensors::open(golden(std::string(name) + "/" + file));
        CHECK(ours.names() == theirs.names());
        for (const std::string& tensor : ours.names())
          CHECK_CLOSE(ours.floats(tensor), theirs.floats(tensor), 0.0);
      }
  }
}

TEST_CASE("files that do not hold what they should are refused in one line") {
  const auto after = [](const char* name, const std::function<void(const fs::path&)>& change) {
    const TemporaryFolder folder;
    fs::copy(golden(name), folder.path() / "it");
    change(folder.path() / "it");
    const std::string error = error_of([&] { (void)sae::load_joint(folder.path() / "it"); });
    CHECK(error.find('\n') == std::string::npos);
    return error;
  };
  const auto write = [](const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
  };
  CHECK(has(after("joint/clt", [](const fs::path& p) { fs::remove(p / "W_enc_1.safetensors"); }),
            "at least two layers"));
  CHECK(has(after("joint/clt", [](const fs::path& p) { fs::remove(p / "W_enc_2.safetensors"); }),
            "W_dec_0\" of shape"));
  CHECK(has(after("joint/clt", [](const fs::path& p) { fs::remove(p / "W_dec_1.safetensors"); }),
            "W_dec_1.safetensors"));
  CHECK(has(after("joint/clt",
                  [](const fs::path& p) {
                    fs::remove(p / "W_dec_0.safetensors");
                    fs::copy(p / "W_dec_1.safetensors", p / "W_dec_0.safetensors");
                  }),
            "W_dec_0"));
  CHECK(has(
      after("joint/clt",
            [&](const fs::path& p) { write(p / "config.yaml", "model_kind: transcoder_set\n"); }),
      "expected model_kind cross_layer_transcoder, got transcoder_set"));
  CHECK(has(after("joint/crosscoder",
                  [&](const fs::path& p) {
                    write(p / "config.json",
                          R"({"activation_dim": 8, "dict_size": 12, "num_layers": 1})");
                  }),
            "at least two sites"));
  CHECK(has(after("joint/crosscoder",
                  [&](const fs::path& p) {
                    write(p / "config.json",
                          R"({"activation_dim": 9, "dict_size": 12, "num_layers": 2})");
                  }),
            "encoder.weight"));
  CHECK(has(after("joint/crosscoder", [&](const fs::path& p) { fs::remove(p / "config.json"); }),
            "got neither"));
  CHECK(has(after("joint/crosscoder",
                  [&](const fs::path& p) { write(p / "otoscope.json", R"({"inputs": []})"); }),
            "expected 2 sites in inputs"));
  CHECK(has(after("joint/clt",
                  [](const fs::path& p) {
                    Tensor<float> W({12, 8}), b(Shape{12}), c(Shape{8});
                    W[5] = NAN;
                    io::write_safetensors(
                        p / "W_enc_1.safetensors",
                        {io::named("W_enc_1", W.view()), io::named("b_enc_1", b.view()),
                         io::named("b_dec_1", c.view()), io::named("threshold_1", b.view())});
                  }),
            "expected finite numbers in W_enc_1, got nan at position 5"));
  // A crosscoder whose features have thresholds of their own fits no file of one number.
  sae::Joint s = sae::load_joint(golden("joint/crosscoder"));
  s.sae.threshold[3] *= 2;
  const TemporaryFolder folder;
  CHECK(has(error_of([&] { sae::save_joint(s, folder.path()); }), "one number for all features"));
}

TEST_CASE("trainings over several sites that cannot be are refused in one line") {
  const TemporaryFolder folder;
  const Layers t = plant_layers(500);
  const TwoSides two = plant_sides(500);
  const Joined layers = joined(t), sides = joined(two);
  const auto refused = [&](const sae::TrainData& data,
                           const std::function<void(sae::TrainOptions&)>& change) {
    sae::TrainOptions o = small(16, 4);
    change(o);
    return error_of([&] { sae::train({o}, data, folder.path(), {}, silent_progress()); });
  };
  CHECK(has(refused(layers.data, [](auto& o) { o.arch = "relu"; }),
            "expected batchtopk or topk for a cross-layer transcoder, got relu"));
  CHECK(has(refused(layers.data, [](auto& o) { o.arch = "topk"; }), "runs with thresholds"));
  CHECK(has(refused(sides.data, [](auto& o) { o.arch = "jumprelu"; }), "for a crosscoder"));
  CHECK(has(refused(layers.data, [](auto& o) { o.skip = true; }), "[--skip]"));
  CHECK(has(refused(layers.data, [](auto& o) { o.k = 17; }), "[1, 16]"));
  Tensor<float> zero({500, kWidth}), few({400, kWidth});
  for (int64_t i = 0; i < few.size(); ++i) few[i] = 1;
  const sae::MemoryBatches all(t.x[0]), none(zero), less(few);
  CHECK(has(error_of([&] { sae::JoinedBatches({&all, &none}); }), "for site 2"));
  CHECK(has(error_of([&] { sae::JoinedBatches({&all, &less}); }), "as many rows"));
}
