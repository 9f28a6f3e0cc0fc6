#include "otoscope/eval/evaluate.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "eval/nano.h"
#include "otoscope/eval/report.h"
#include "support/errors.h"

namespace otoscope::eval {
namespace {

using testing::Nano;
using Json = nlohmann::ordered_json;

const Json& row_of(const Json& eval, const std::string& name) {
  for (const Json& row : eval.at("table"))
    if (row.at("name") == name) return row;
  throw std::runtime_error("no row " + name);
}

double value(const Json& estimate) { return estimate.at("value").get<double>(); }

/// Nano, its store at a site, an identity SAE on it.
struct Fixture {
  Nano nano{18};
  store::Store store;
  sae::Sae sae = testing::identity_sae(128);
  Fixture() : store(make()) {
    sae.site = "encoder.out";
    sae.model_hash = nano.model.hash();
    sae.hash = "identity";
  }
  store::Store make() {
    testing::write_nano_store(nano, "encoder.out", nano.folder.path() / "encoder.out");
    return store::Store::open(nano.folder.path() / "encoder.out");
  }
  SpliceInputs inputs() const { return {&nano.model, &nano.tokenizer, &nano.manifest}; }
  EvalJob job() const {
    EvalJob job;
    job.name = "identity";
    job.sae = &sae;
    job.store = &store;
    return job;
  }
};

EvalOptions small() {
  EvalOptions options;
  options.clips = 4;
  options.max_tokens = 8;
  options.clip_batch = 3;
  options.replicates = 200;
  return options;
}

}  // namespace

TEST_CASE("one table holds the SAE and its controls, measured and spliced by the same code") {
  const Fixture f;
  const sae::Sae other = testing::identity_sae(128);
  EvalJob job = f.job();
  job.controls.push_back({"shuffled", &other, &f.store, false});
  job.also.push_back({"unpacked", &f.store});
  const Json eval = evaluate({job}, f.inputs(), small()).at(0);

  CHECK(eval.at("schema") == "otoscope.eval");
  CHECK(eval.at("split") == "test");
  CHECK(eval.at("items") == 12);
  CHECK(eval.at("clusters_by") == "prompt");
  CHECK(eval.at("table").size() == 5);
  CHECK(eval.at("table")[0].at("kind") == "sae");
  const Json& own = row_of(eval, "identity");
  CHECK(value(own.at("fidelity").at("fvu")) < 1e-12);
  CHECK(value(own.at("spliced").at("ce_difference")) == 0.0);
  CHECK(value(own.at("spliced").at("kl")) < 1e-6);
  CHECK(own.at("fidelity").at("dead").get<double>() >= 1.0 / 257);

  const Json& mean = row_of(eval, "mean");
  CHECK(value(mean.at("fidelity").at("fvu")) >= 1.0);  // the training mean is not the test mean
  CHECK(value(mean.at("fidelity").at("fvu")) < 1.5);
  CHECK(value(mean.at("spliced").at("kl_recovered").at("mean")) == doctest::Approx(0));
  CHECK(mean.at("spliced").at("decoded") == true);
  // The identity fires 128 features a row at most: PCA gets as many components.
  const Json& pca = row_of(eval, "pca-128");
  CHECK(value(pca.at("fidelity").at("fvu")) < 1e-4);
  const Json& untrained = row_of(eval, "untrained");
  CHECK(value(untrained.at("fidelity").at("l0")) == doctest::Approx(128).epsilon(.2));
  CHECK(value(untrained.at("spliced").at("kl")) > value(own.at("spliced").at("kl")));
  CHECK(row_of(eval, "shuffled").at("spliced").is_null());
  CHECK_FALSE(row_of(eval, "shuffled").at("fidelity").is_null());
  CHECK(eval.at("also")[0].at("fidelity").at("fvu") == own.at("fidelity").at("fvu"));
  CHECK(eval.at("spliced").at("clips") == 4);
  CHECK(value(eval.at("spliced").at("zero").at("kl")) > 0);
  CHECK(eval.at("spliced").contains("clean"));

  for (const auto& row : eval_table(eval)) {
    size_t width = 0;
    for (const auto& cell : row) width += cell.size();
    CHECK(width <= 70);
    CHECK(row.size() == 8);
  }
}

TEST_CASE("the same inputs give the same bytes") {
  const Fixture f;
  EvalOptions options = small();
  options.clips = 2;
  const std::string once = evaluate({f.job()}, f.inputs(), options).at(0).dump();
  CHECK(evaluate({f.job()}, f.inputs(), options).at(0).dump() == once);
  CHECK(once.find(f.nano.folder.path().string()) == std::string::npos);
}

TEST_CASE("several SAEs share the clips, and splicing is optional") {
  const Fixture f;
  EvalOptions options = small();
  options.clips = 2;
  options.controls = {"none"};
  EvalJob second = f.job();
  second.name = "again";
  second.decode = false;
  const auto both = evaluate({f.job(), second}, f.inputs(), options);
  REQUIRE(both.size() == 2);
  CHECK(both[0].at("table")[0].at("spliced").at("decoded") == true);
  CHECK(both[1].at("table")[0].at("spliced").at("decoded") == false);
  CHECK(both[1].at("components_for_equal_fvu").is_null());
  const Json dry = evaluate({f.job()}, {}, options).at(0);
  CHECK(dry.at("spliced").is_null());
  CHECK(dry.at("table")[0].at("spliced").is_null());
  CHECK(eval_table(dry)[1].size() == 5);
}

TEST_CASE("speech is measured beside all rows, for controls too") {
  Fixture f;
  EvalOptions options = small();
  options.controls = {"mean"};
  const Json eval = evaluate({f.job()}, {}, options).at(0);
  for (const Json& row : eval.at("table")) {
    const Json& speech = row.at("fidelity").at("speech");
    REQUIRE(speech.is_object());
    CHECK(speech.at("rows").get<int64_t>() > 0);
    CHECK(speech.at("rows").get<int64_t>() <= eval.at("rows").get<int64_t>());
  }
  CHECK(value(row_of(eval, "mean").at("fidelity").at("speech").at("fvu")) >= 1.0);
  // Without their audio nobody knows which rows are speech.
  for (const store::Clip& clip : f.nano.manifest.clips) std::filesystem::remove(clip.path);
  const Json deaf = evaluate({f.job()}, {}, options).at(0);
  CHECK(deaf.at("table")[0].at("fidelity").at("speech").is_null());
  CHECK(eval_table(deaf)[1][2] == "-");
}

TEST_CASE("an SAE that was trained by batches is measured by batches too") {
  Fixture f;
  EvalOptions options = small();
  options.controls = {"none"};
  CHECK(evaluate({f.job()}, {}, options).at(0).at("batch_mode").is_null());
  f.sae.otoscope = R"({"options": {"arch": "batchtopk", "k": 16}})";
  const Json eval = evaluate({f.job()}, {}, options).at(0);
  const Json& batch = eval.at("batch_mode");
  CHECK(batch.at("k") == 16);
  CHECK(value(batch.at("l0")) == doctest::Approx(16));
  // Sixteen of the identity's 128 codes a row cannot do what all of them do.
  CHECK(value(batch.at("fvu")) > .1);
  const auto table = eval_table(eval);
  REQUIRE(table.size() == 3);
  CHECK(table[2][0] == "  in batch mode");
  f.sae.otoscope = R"({"options": {"arch": "matryoshka", "k": 128}})";
  const Json all = evaluate({f.job()}, {}, options).at(0);
  CHECK(value(all.at("batch_mode").at("fvu")) < 1e-12);
}

TEST_CASE("a plan names everything that a file depends on") {
  const Fixture f;
  const auto plan = [&](const EvalJob& job, const EvalOptions& options) {
    return evaluation_plan({job}, f.nano.manifest, options).at(0);
  };
  const std::string base = plan(f.job(), small());
  CHECK(plan(f.job(), small()) == base);
  CHECK(evaluation_plan({f.job()}, {}, small()).at(0) != base);
  EvalOptions other = small();
  other.seed = 1;
  CHECK(plan(f.job(), other) != base);
  other = small();
  other.clips = 5;
  CHECK(plan(f.job(), other) != base);
  EvalJob also = f.job();
  also.also.push_back({"unpacked", &f.store});
  CHECK(plan(also, small()) != base);
  CHECK(evaluate({f.job()}, f.inputs(), small()).at(0).at("plan") == base);
}

TEST_CASE("what does not fit is refused in one line") {
  Fixture f;
  EvalOptions options = small();
  options.controls = {"men"};
  CHECK(testing::error_of([&] { evaluate({f.job()}, {}, options); }) ==
        "[--controls] expected some of mean, pca, untrained, linear, neurons, none, got men.");
  options.controls = {"none"};
  f.sae.site = "encoder.blocks.0.resid_post";
  CHECK(testing::error_of([&] { evaluate({f.job()}, {}, options); }) ==
        "[identity] expected activations of encoder.blocks.0.resid_post, got encoder.out.");
  f.sae.site = "encoder.out";
  f.sae.model_hash = "another";
  CHECK(testing::error_of([&] {
          evaluate({f.job()}, {}, options);
        }).find("expected activations of the model that the SAE was trained on") !=
        std::string::npos);
  const sae::Sae wide = testing::identity_sae(64);
  EvalJob job = f.job();
  job.sae = &wide;
  CHECK(testing::error_of([&] {
          evaluate({job}, {}, options);
        }).find("expected activations of width 64, got 128") != std::string::npos);
}

}  // namespace otoscope::eval
