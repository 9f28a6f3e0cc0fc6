#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "eval/nano.h"
#include "otoscope/eval/evaluate.h"
#include "otoscope/eval/linear.h"
#include "otoscope/eval/neurons.h"
#include "otoscope/eval/report.h"
#include "otoscope/eval/splice.h"
#include "otoscope/eval/spliced.h"
#include "otoscope/model/decode.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::eval {
namespace {

using model::Site;
using testing::Nano;
using Json = nlohmann::ordered_json;

Site site_of(const Nano& nano, const std::string& name) {
  return model::find_site(nano.model.dims(), name);
}

/// All neurons: the MLP itself, written as a sparse code of everything.
NeuronReconstructor whole_mlp(const Nano& nano, model::Stack stack, int block) {
  const model::MlpLayers mlp = model::mlp_layers(nano.model, stack, block);
  return {mlp, std::vector<float>(static_cast<size_t>(mlp.up.shape[0]), 0.0f), mlp.up.shape[0]};
}

ClipBatch batch_of(const Nano& nano, const ClipChoice& choice) {
  return load_clips(choice.clips, 0, static_cast<int64_t>(choice.clips.size()), nano.model.dims(),
                    audio::Padding::waveform_zero);
}

ClipChoice clips_of(const Nano& nano) {
  return choose_clips(nano.manifest, store::Split::test, 4, nano.model, nano.tokenizer);
}

/// A transcoder of block 1 with random weights; it fires, and it is wrong.
sae::Sae random_transcoder(int64_t d, bool skip) {
  Rng rng(5, "random transcoder");
  const auto normal = [&](Shape shape, double scale) {
    Tensor<float> x(shape);
    for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(scale * rng.normal());
    return x;
  };
  sae::Sae s;
  s.W_enc = normal({64, d}, 0.1);
  s.W_dec = normal({64, d}, 0.02);
  s.b_enc = normal({64}, 0.1);
  s.b_dec = normal({d}, 0.02);
  if (skip) s.W_skip = normal({d, d}, 0.01);
  s.apply_b_dec_to_input = false;
  s.site = "encoder.blocks.1.ln2", s.target_site = "encoder.blocks.1.mlp_out";
  s.architecture = "relu";
  s.hash = skip ? "skip" : "plain";
  return s;
}

}  // namespace

TEST_CASE("a splice that reads one site and writes another is the MLP where it is the MLP") {
  const Nano nano(12);
  const ClipChoice choice = clips_of(nano);
  const ClipBatch batch = batch_of(nano, choice);
  model::Rows rows;
  rows.B = static_cast<int64_t>(choice.clips.size());
  rows.item = batch.item;
  rows.valid = batch.valid;
  const Tensor<float> clean = nano.model.encode(batch.mel, rows);
  const NeuronReconstructor mlp = whole_mlp(nano, model::Stack::encoder, 1);
  Splice splice(site_of(nano, "encoder.blocks.1.mlp_out"), mlp,
                site_of(nano, "encoder.blocks.1.ln2"));
  model::Hook* hook = &splice;
  CHECK_CLOSE(nano.model.encode(batch.mel, rows, {&hook, 1}), clean, 2e-4);

  // And in the decoder, forced and cached.
  const NeuronReconstructor last = whole_mlp(nano, model::Stack::decoder, 0);
  Splice decoder(site_of(nano, "decoder.blocks.0.mlp_out"), last,
                 site_of(nano, "decoder.blocks.0.ln2"));
  model::Hook* decoder_hook = &decoder;
  model::DecodeOptions options;
  for (const SplicedClip& clip : choice.clips) options.languages.push_back(clip.clip.language);
  options.sample_len = 12;
  const auto with =
      model::decode(nano.model, nano.tokenizer, clean, options, batch.item, {&decoder_hook, 1});
  const auto without = model::decode(nano.model, nano.tokenizer, clean, options, batch.item, {});
  for (size_t i = 0; i < with.size(); ++i) CHECK(with[i].tokens == without[i].tokens);
}

TEST_CASE("resumed or not, a spliced transcoder gives the same measures as a hook over the whole") {
  const Nano nano(12);
  const ClipChoice choice = clips_of(nano);
  const sae::Sae t = random_transcoder(128, true);
  const SaeReconstructor reconstructor(t);
  const Site site = site_of(nano, t.target_site), source = site_of(nano, t.site);
  const std::vector<System> systems{
      {"transcoder", site, &reconstructor, System::Role::tested, false, source}};
  SplicedOptions options;
  options.batch = 4;
  const SplicedRun run = run_spliced(nano.model, nano.tokenizer, choice, systems, options);

  const ClipBatch batch = batch_of(nano, choice);
  model::Rows rows;
  rows.B = static_cast<int64_t>(choice.clips.size());
  rows.item = batch.item;
  rows.valid = batch.valid;
  // By hand: what the site before the MLP holds, through the transcoder, into the MLP's output.
  Tensor<float> seen;
  model::Recorder recorder({source});
  model::Hook* record = &recorder;
  nano.model.encode(batch.mel, rows, {&record, 1});
  seen = recorder.last(source).clone();
  model::Edit edit(site, [&](const model::Rows&, View<float> x) {
    splice_rows(reconstructor, seen, x, batch.valid);
  });
  model::Hook* hook = &edit;
  const Tensor<float> audio = nano.model.encode(batch.mel, rows, {&hook, 1});
  const Tensor<float> clean = nano.model.encode(batch.mel, rows);
  double moved = 0;
  for (int64_t i = 0; i < audio.size(); ++i) moved += std::fabs(audio[i] - clean[i]);
  REQUIRE(moved > 1);
  double kl = 0;
  for (const ClipScore& clip : run.systems[0].clips) kl += clip.kl;
  CHECK(kl > 1e-4);
  Splice splice(site, reconstructor, source);
  model::Hook* splice_hook = &splice;
  CHECK_CLOSE(nano.model.encode(batch.mel, rows, {&splice_hook, 1}), audio, 1e-5);
}

TEST_CASE("a source that comes after its target is refused") {
  const Nano nano(3);
  const IdentityReconstructor identity(128);
  Splice splice(site_of(nano, "encoder.blocks.0.ln2"), identity,
                site_of(nano, "encoder.blocks.1.mlp_out"));
  model::Hook* hook = &splice;
  const ClipBatch batch = batch_of(
      nano, choose_clips(nano.manifest, store::Split::test, 1, nano.model, nano.tokenizer));
  CHECK(testing::error_of([&] {
          nano.model.encode(batch.mel, {}, {&hook, 1});
        }).find("expected the source of a splice before its target") != std::string::npos);
}

TEST_CASE("the linear control finds a linear map, and the neurons are exact when all speak") {
  Rng rng(9, "linear control");
  Tensor<float> x(Shape{900, 7}), y(Shape{900, 3}), M(Shape{3, 7});
  for (int64_t i = 0; i < M.size(); ++i) M[i] = static_cast<float>(rng.normal());
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(2 + rng.normal());
  for (int64_t b = 0; b < 900; ++b)
    for (int64_t i = 0; i < 3; ++i) {
      y.at(b, i) = static_cast<float>(i);
      for (int64_t j = 0; j < 7; ++j) y.at(b, i) += M.at(i, j) * x.at(b, j);
    }
  const LinearMap map = fit_linear(Sample::of_matrix(x), Sample::of_matrix(y));
  CHECK_CLOSE(map.W, M, 1e-4);
  Tensor<float> xhat(y.shape());
  SparseRows codes;
  LinearReconstructor(map).reconstruct(x, xhat, codes);
  CHECK_CLOSE(xhat, y, 1e-3);

  // 130 rows: more than one block, and one that is not full.
  const Nano nano(3);
  const model::MlpLayers mlp = model::mlp_layers(nano.model, model::Stack::encoder, 0);
  const int64_t d = mlp.up.shape[1], neurons = mlp.up.shape[0];
  Tensor<float> u(Shape{130, d}), all(u.shape()), some(u.shape()), alone(Shape{1, d});
  for (int64_t i = 0; i < u.size(); ++i) u[i] = static_cast<float>(rng.normal());
  const auto mean = mean_neurons(mlp, Sample::of_matrix(u));
  double error_all = 0, error_some = 0, spread = 0;
  NeuronReconstructor(mlp, mean, neurons).reconstruct(u, all, codes);
  const NeuronReconstructor few(mlp, mean, 16);
  few.reconstruct(u, some, codes);
  CHECK(codes.nnz() == 130 * 16);
  for (int64_t b = 0; b < 130; ++b)
    for (int64_t i = 0; i < d; ++i) {
      double want = mlp.down_bias[i], middle = mlp.down_bias[i];
      for (int64_t j = 0; j < neurons; ++j) {
        double h = mlp.up_bias[j];
        for (int64_t k = 0; k < d; ++k) h += static_cast<double>(mlp.up.at(j, k)) * u.at(b, k);
        want += mlp.down.at(i, j) * h * 0.5 * (1 + std::erf(h / std::sqrt(2.0)));
        middle += static_cast<double>(mlp.down.at(i, j)) * mean[static_cast<size_t>(j)];
      }
      error_all = std::max(error_all, std::fabs(all.at(b, i) - want));
      error_some += std::pow(some.at(b, i) - want, 2);
      spread += std::pow(middle - want, 2);
    }
  CHECK(error_all < 1e-4);
  CHECK(error_some < 0.9 * spread);  // sixteen say more than the mean alone
  CHECK(error_some > 0);
  few.reconstruct(u.view().slice(129, 130), alone, codes);
  CHECK(alone.view().row(0)[3] == some.at(129, 3));
}

TEST_CASE("eval of a transcoder has its controls beside it, spliced at the MLP's output") {
  const Nano nano(18);
  const auto open = [&](const std::string& site) {
    testing::write_nano_store(nano, site, nano.folder.path() / site);
    return store::Store::open(nano.folder.path() / site);
  };
  const store::Store in = open("encoder.blocks.1.ln2"), out = open("encoder.blocks.1.mlp_out");
  for (const bool skip : {false, true}) {
    sae::Sae t = random_transcoder(128, skip);
    t.model_hash = nano.model.hash();
    EvalJob job;
    job.name = "transcoder";
    job.sae = &t;
    job.store = &in;
    EvalOptions options;
    options.clips = 4, options.max_tokens = 8, options.replicates = 200;
    CHECK(testing::error_of([&] {
            evaluate({job}, {}, options);
          }).find("expected activations of encoder.blocks.1.mlp_out too") != std::string::npos);
    job.target = &out;
    job.also.push_back({"again", &in, &out});
    const Json eval =
        evaluate({job}, SpliceInputs{&nano.model, &nano.tokenizer, &nano.manifest}, options).at(0);
    std::vector<std::string> names;
    std::map<std::string, Json> rows;
    for (const Json& row : eval.at("table")) {
      names.push_back(row.at("name"));
      rows[row.at("name")] = row;
    }
    REQUIRE(names.size() == 5);
    const auto value = [&](const std::string& name, const char* group, const char* what) {
      return rows.at(name).at(group).at(what).at("value").get<double>();
    };
    const std::string neurons = names[4];
    CHECK(neurons.rfind("neurons-", 0) == 0);
    // Nano's MLP is small: these two know it, a random transcoder does not.
    CHECK(value("linear", "fidelity", "fvu") < 1);
    CHECK(value(neurons, "fidelity", "fvu") < value("transcoder", "fidelity", "fvu"));
    CHECK(value(neurons, "spliced", "kl") < value("transcoder", "spliced", "kl"));
    CHECK(value("untrained", "spliced", "kl") > 0);
    CHECK(value("mean", "fidelity", "fvu") >= 1.0);
    CHECK(rows.at("mean").at("spliced").at("kl_recovered").at("mean").at("value").get<double>() ==
          doctest::Approx(0));
    CHECK(eval.at("also")[0].at("fidelity").at("fvu") ==
          rows.at("transcoder").at("fidelity").at("fvu"));
    CHECK(eval.at("target_store").at("site") == "encoder.blocks.1.mlp_out");
    CHECK(eval.at("spliced").at("zero").at("kl").at("value").get<double>() > 0);
  }
}

}  // namespace otoscope::eval
