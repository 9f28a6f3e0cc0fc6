// Dictionaries of several sites: FVU of each output beside its controls, what a crosscoder shares.
#include "otoscope/eval/joint.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/eval/fidelity.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/sae/train.h"
#include "sae/planted.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::eval {
namespace {

using testing::TemporaryFolder;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int64_t kWidth = 16, kTruth = 48, kRows = 6000;  // too many for linear maps

/// Two layers: even truths are read in the first and written by both, odd ones in the second.
struct Sites {
  Tensor<float> x0, x1, y0, y1;
};

Sites plant_sites() {
  Sites s;
  for (Tensor<float>* t : {&s.x0, &s.x1, &s.y0, &s.y1}) *t = Tensor<float>({kRows, kWidth});
  const auto directions = [](uint64_t seed) {
    return testing::plant(1, kWidth, kTruth, 1, seed).directions;
  };
  const Tensor<float> in0 = directions(41), in1 = directions(42), out0 = directions(43),
                      out1 = directions(44);
  Rng rng(45, "two layers");
  for (int64_t b = 0; b < kRows; ++b)
    for (int n = 0; n < 3; ++n) {
      const auto f = static_cast<int64_t>(rng.below(kTruth));
      const auto size = static_cast<float>(rng.uniform(1.0, 2.0));
      for (int64_t i = 0; i < kWidth; ++i) {
        (f % 2 == 0 ? s.x0 : s.x1).at(b, i) += size * (f % 2 == 0 ? in0 : in1).at(f, i);
        if (f % 2 == 0) s.y0.at(b, i) += 9 * size * out0.at(f, i);
        s.y1.at(b, i) += size * out1.at(f, i);
      }
    }
  return s;
}

struct Stores {
  TemporaryFolder folder;
  std::vector<store::Store> all;  // x0 x1 y0 y1

  Stores() {
    const Sites s = plant_sites();
    const Tensor<float>* rows[] = {&s.x0, &s.x1, &s.y0, &s.y1};
    for (int i = 0; i < 4; ++i) {
      const fs::path path = folder.path() / (std::to_string(i) + ".safetensors");
      io::write_safetensors(path, {io::named("activations", rows[i]->view())});
      all.push_back(store::Store::open(path));
    }
  }
  sae::Joint train(bool cross_layer, int64_t steps) const {
    std::vector<sae::StoreBatches> parts;
    parts.reserve(4);
    for (const store::Store& store : all) parts.emplace_back(store);
    const sae::JoinedBatches x({&parts[0], &parts[1]}), y({&parts[2], &parts[3]});
    const auto ports = [](const sae::JoinedBatches& rows) {
      return std::vector<sae::Port>{{"", "", "", kWidth, rows.scale(0)},
                                    {"", "", "", kWidth, rows.scale(1)}};
    };
    sae::TrainData data;
    data.input = cross_layer ? &x : &y, data.inputs = ports(cross_layer ? x : y);
    if (cross_layer) data.target = &y, data.targets = ports(y);
    sae::TrainOptions o;
    o.latents = cross_layer ? 40 : 72, o.k = cross_layer ? 2 : 4;
    o.steps = steps, o.batch = 256, o.lr = 5e-3;
    const fs::path out = folder.path() / (cross_layer ? "clt" : "crosscoder");
    return sae::load_joint(sae::train({o}, data, out, {}, silent_progress())[0].folder);
  }
};

EvalOptions quick() {
  EvalOptions options;
  options.replicates = 100;
  return options;
}

double fvu(const Json& eval, size_t output, const std::string& name) {
  for (const Json& row : eval.at("outputs").at(output).at("table"))
    if (row.at("name").get<std::string>().rfind(name, 0) == 0)
      return row.at("fidelity").at("fvu").at("value").get<double>();
  return NAN;
}

}  // namespace

TEST_CASE("sharing is counted from norms: shared, partly, alone, and only what fired") {
  Tensor<float> norms({6, 2});
  const float rows[6][2] = {{1, 1}, {1, 0.5f}, {1, 0.3f}, {1, 0.05f}, {0, 2}, {1, 1}};
  for (int64_t f = 0; f < 6; ++f)
    for (int64_t s = 0; s < 2; ++s) norms.at(f, s) = rows[f][s];
  const Sharing sharing = sharing_of(norms, {5, 1, 1, 9, 2, 0});
  CHECK(sharing.alive == 5);
  CHECK(sharing.shared == 2);
  CHECK(sharing.partly == 1);
  CHECK(sharing.alone == std::vector<int64_t>{1, 1});
  // Delta: .5, .25, .15, .025, 1
  CHECK(sharing.difference == std::vector<int64_t>{1, 1, 1, 0, 0, 1, 0, 0, 0, 1});
}

TEST_CASE("a cross-layer transcoder beats its controls on every output, by writing ahead") {
  const Stores stores;
  const sae::Joint joint = stores.train(true, 800);
  JointJob job;
  job.name = "clt", job.joint = &joint;
  job.inputs = {&stores.all[0], &stores.all[1]}, job.targets = {&stores.all[2], &stores.all[3]};
  const Json eval = evaluate_joint(job, quick());
  CHECK(eval.at("kind") == "cross-layer transcoder");
  CHECK(eval.at("rows").get<int64_t>() < kRows / 5);
  for (size_t m = 0; m < 2; ++m) {
    CAPTURE(m);
    CHECK(fvu(eval, m, "clt") < 0.2);
    CHECK(fvu(eval, m, "mean") == doctest::Approx(1).epsilon(0.02));
    CHECK(fvu(eval, m, "untrained") > 2 * fvu(eval, m, "clt"));
    CHECK(fvu(eval, m, "linear") > fvu(eval, m, "clt"));
  }
  // Half of the second output is known to the first layer alone.
  CHECK(fvu(eval, 1, "own layer") > fvu(eval, 1, "clt") + 0.2);
  CHECK(std::isnan(fvu(eval, 0, "own layer")));
  CHECK(joint_table(eval).size() == 2 + 4 + 5 + 1);
  CHECK(sharing_table(eval).empty());

  // The same digits whatever the batch.
  const Sample y = Sample::of_store(stores.all[3], store::Split::test);
  const Joined x({Sample::of_store(stores.all[0], store::Split::test),
                  Sample::of_store(stores.all[1], store::Split::test)},
                 kWidth);
  const JointReconstructor whole(joint);
  const OneOutput second(whole, kWidth, kWidth);
  FidelityOptions options;
  options.replicates = 100;
  std::vector<double> values;
  for (const int64_t batch : {7, 64, 1000}) {
    options.batch = batch;
    values.push_back(measure_fidelity(second, x.sample(), y, moments_of(y), options).fvu.value);
  }
  CHECK(values[0] == values[1]);
  CHECK(values[0] == values[2]);
  CHECK(values[0] == fvu(eval, 1, "clt"));
}

TEST_CASE("a crosscoder is measured at every site, and its sharing beside its start") {
  const Stores stores;
  const sae::Joint joint = stores.train(false, 800);
  JointJob job;
  job.name = "crosscoder", job.joint = &joint;
  job.inputs = {&stores.all[2], &stores.all[3]};
  job.control = &joint, job.control_inputs = job.inputs;
  const Json eval = evaluate_joint(job, quick());
  for (size_t s = 0; s < 2; ++s) {
    CAPTURE(s);
    CHECK(fvu(eval, s, "crosscoder") < 0.35);
    CHECK(fvu(eval, s, "untrained") > fvu(eval, s, "crosscoder"));
    CHECK(fvu(eval, s, "pca-") > 0);
    CHECK(fvu(eval, s, "linear from others") > 0.02);
  }
  const Json& sharing = eval.at("sharing");
  REQUIRE(sharing.size() == 3);
  // Odd truths are of the second site alone, even ones of both.
  CHECK(sharing[0].at("alone")[0].at("features").get<int64_t>() == 0);
  CHECK(sharing[0].at("alone")[1].at("features").get<int64_t>() >= 5);
  CHECK(sharing[0].at("shared").get<int64_t>() + sharing[0].at("partly").get<int64_t>() >= 6);
  // As training starts everything is shared; the same crosscoder as its own control says the same.
  CHECK(sharing[1].at("shared") == sharing[1].at("alive"));
  CHECK(sharing[2].at("shared") == sharing[0].at("shared"));
  CHECK(sharing_table(eval).size() == 4);
}

TEST_CASE("stores that are not those of the sites are refused") {
  const Stores stores;
  sae::Joint joint = stores.train(true, 2);
  JointJob job;
  job.name = "clt", job.joint = &joint;
  job.inputs = {&stores.all[0], &stores.all[1]};
  const auto refused = [&] { return testing::error_of([&] { evaluate_joint(job, quick()); }); };
  CHECK(refused().find("expected 2 stores in --target-activations, one a site, got 0") !=
        std::string::npos);
  job.targets = {&stores.all[2], &stores.all[3]};
  job.inputs.pop_back();
  CHECK(refused().find("--activations, one a site, got 1") != std::string::npos);
  job.inputs = {&stores.all[0], &stores.all[1]};
  joint.inputs[1].width = 3;
  CHECK(refused().find("width 3, got") != std::string::npos);
}

}  // namespace otoscope::eval
