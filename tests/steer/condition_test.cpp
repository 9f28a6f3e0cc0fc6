#include "otoscope/steer/condition.h"

#include <doctest/doctest.h>

#include "model/nano.h"
#include "otoscope/io/file.h"
#include "otoscope/steer/hook.h"
#include "otoscope/steer/recipe.h"
#include "steer/dense.h"
#include "support/errors.h"

namespace otoscope::steer {
namespace {

using testing::nano;
using testing::same_bits;
using testing::TemporaryFolder;

constexpr int64_t kD = 128;
const model::Site kGateSite{model::Stack::encoder, model::Point::resid_post, 0};

/// Pooled by the formula, from all codes of every row.
double pooled_slowly(const sae::Sae& sae, View<const float> x, int32_t feature, Pool pool) {
  double sum = 0, largest = 0;
  for (int64_t t = 0; t < x.rows(); ++t) {
    double multiply = 1;
    const double f = testing::dense_codes(sae, x.row(t), multiply)[static_cast<size_t>(feature)];
    sum += f;
    largest = std::max(largest, f);
  }
  return pool == Pool::mean ? sum / static_cast<double>(x.rows()) : largest;
}

struct Fixture {
  sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::jumprelu);
  Tensor<float> mel = testing::nano_input().mel.clone();  // two windows
  Tensor<float> at_gate;
  std::vector<int32_t> valid{60, 100};

  Fixture() {
    model::Recorder recorder({kGateSite});
    model::Hook* hook = &recorder;
    nano().encode(mel, rows(), {&hook, 1});
    at_gate = recorder.last(kGateSite).clone();
  }
  model::Rows rows() const {
    model::Rows rows;
    rows.valid = valid;
    return rows;
  }
  /// A condition whose scores of the two windows are on both sides of zero; `first` says which
  /// window it holds for.
  Condition between(Pool pool, bool first) const {
    for (int32_t j = 0; j < 2 * kD; ++j) {
      const double a = pooled_slowly(sae, at_gate.view().sub(0).slice(0, valid[0]), j, pool);
      const double b = pooled_slowly(sae, at_gate.view().sub(1).slice(0, valid[1]), j, pool);
      if (std::abs(a - b) < .01) continue;
      const float weight = (a > b) == first ? 1.0F : -1.0F;
      return {kGateSite, pool, {j}, {weight}, -static_cast<double>(weight) * (a + b) / 2};
    }
    FAIL("no feature differs between the windows");
    return {};
  }
};

}  // namespace

TEST_CASE("a condition scores the frames that carry audio, and no others") {
  const Fixture f;
  for (const Pool pool : {Pool::mean, Pool::max}) {
    Condition condition{kGateSite, pool, {3, 70, 11}, {.5F, -2, 1}, .25};
    Gate gate(condition, f.sae);
    model::Hook* hook = &gate;
    nano().encode(f.mel, f.rows(), {&hook, 1});
    for (int64_t b = 0; b < 2; ++b) {
      double expected = .25;
      const auto audio = f.at_gate.view().sub(b).slice(0, f.valid[static_cast<size_t>(b)]);
      for (size_t j = 0; j < 3; ++j)
        expected += static_cast<double>(condition.weights[j]) *
                    pooled_slowly(f.sae, audio, condition.features[j], pool);
      CHECK(gate.score(b) == doctest::Approx(expected).epsilon(1e-4));
    }
  }
}

TEST_CASE(
    "an edit behind a condition changes the windows where it holds, and no bit of the others") {
  const Fixture f;
  const model::Site out{model::Stack::encoder, model::Point::out, -1};
  for (const bool first : {true, false}) {
    Gate gate(f.between(Pool::mean, first), f.sae);
    SteerHook edit(nano().dims(), out,
                   {add_direction(std::vector<float>(static_cast<size_t>(kD), 1.0F), 2, 1)});
    GatedHook gated(gate, edit);
    model::Hook* hooks[] = {&gate, &gated};
    model::Hook* alone = &edit;
    const Tensor<float> clean = nano().encode(f.mel, f.rows()),
                        edited = nano().encode(f.mel, f.rows(), {&alone, 1}),
                        behind = nano().encode(f.mel, f.rows(), hooks);
    const int64_t open = first ? 0 : 1;
    CHECK(gate.open(open));
    CHECK_FALSE(gate.open(1 - open));
    CHECK(same_bits(behind.view().sub(open), edited.view().sub(open)));
    CHECK(same_bits(behind.view().sub(1 - open), clean.view().sub(1 - open)));
    CHECK_FALSE(same_bits(edited.view().sub(1 - open), clean.view().sub(1 - open)));
  }
}

TEST_CASE("a condition seen in the encoder pass opens an edit of the decoder") {
  const Fixture f;
  const model::Site site{model::Stack::decoder, model::Point::resid_post, 0};
  const auto tokens = testing::nano_input().tokens.clone();
  Gate gate(f.between(Pool::max, true), f.sae);
  SteerHook edit(nano().dims(), site,
                 {add_direction(std::vector<float>(static_cast<size_t>(kD), 1.0F), 2, 1)});
  GatedHook gated(gate, edit);
  model::Hook* gate_alone = &gate;
  model::Hook* decoder = &gated;
  const Tensor<float> audio = nano().encode(f.mel, f.rows(), {&gate_alone, 1});
  const Tensor<float> clean = nano().decode_forced(audio, tokens),
                      steered = nano().decode_forced(audio, tokens, {}, {&decoder, 1});
  CHECK_FALSE(same_bits(steered.view().sub(0), clean.view().sub(0)));
  CHECK(same_bits(steered.view().sub(1), clean.view().sub(1)));
  model::Rows others;
  const std::vector<int64_t> items{7, 8};
  others.item = items;
  CHECK(testing::error_of([&] {
          nano().decode_forced(audio, tokens, others, {&decoder, 1});
        }).find("encoder pass of item 7") != std::string::npos);
}

TEST_CASE("a recipe with a condition reads back and steers as gate and edit do") {
  Fixture f;
  const TemporaryFolder folder;
  sae::save(f.sae, folder.path() / "sae");
  const Condition condition = f.between(Pool::mean, true);
  Recipe recipe;
  recipe.model_name = "nano";
  recipe.model_hash = nano().hash();
  recipe.sae_folder = recipe.when_sae_folder = "sae";
  recipe.sae_hash = recipe.when_sae_hash = f.sae.hash;
  recipe.site = "encoder.out";
  recipe.operators = {on_features(Action::scale, {1, 2, 3, 4, 5, 6}, 3)};
  recipe.when = condition;
  recipe.when_site = "encoder.blocks.0.resid_post";
  write_recipe(folder.path() / "quiet.json", recipe);
  const Recipe read = read_recipe(folder.path() / "quiet.json");
  REQUIRE(read.when);
  CHECK(read.when->features == condition.features);
  CHECK(read.when->weights == condition.weights);
  CHECK(read.when->bias == condition.bias);
  CHECK(read.when->pool == condition.pool);
  Steering steering(read, nano());
  const auto hooks = steering.hooks();
  REQUIRE(hooks.size() == 2);
  const Tensor<float> clean = nano().encode(f.mel, f.rows()),
                      steered = nano().encode(f.mel, f.rows(), hooks);
  CHECK_FALSE(same_bits(steered.view().sub(0), clean.view().sub(0)));
  CHECK(same_bits(steered.view().sub(1), clean.view().sub(1)));

  Recipe broken = recipe;
  broken.path = folder.path() / "quiet.json";
  broken.when->features = {2 * kD};
  CHECK(testing::error_of([&] { Steering(broken, nano()); }).find("expected features below 256") !=
        std::string::npos);
  broken.when->features = {1, 2};
  CHECK(testing::error_of([&] { Steering(broken, nano()); }).find("one weight for each") !=
        std::string::npos);
  broken = recipe;
  broken.path = folder.path() / "quiet.json";
  broken.when_site = "decoder.blocks.0.resid_post";
  CHECK(testing::error_of([&] { Steering(broken, nano()); }).find("a site of the encoder") !=
        std::string::npos);
  broken.when_site = recipe.when_site;
  broken.when_sae_hash = std::string(64, 'c');
  CHECK(testing::error_of([&] {
          Steering(broken, nano());
        }).find("made with the SAE cccccccccccc") != std::string::npos);
}

}  // namespace otoscope::steer
