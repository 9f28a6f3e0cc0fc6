/// A recipe folded into weights: our own forward of the edited checkpoint is the steered forward.

#include "otoscope/steer/fold.h"

#include <doctest/doctest.h>

#include <cmath>

#include "model/nano.h"
#include "otoscope/model/decode.h"
#include "steer/dense.h"
#include "support/errors.h"

namespace otoscope::steer {
namespace {

using testing::error_of;
using testing::nano;
using testing::TemporaryFolder;

constexpr int64_t kWidth = 128;

std::vector<float> direction(uint64_t seed, int64_t d) {
  Rng rng(seed, "fold");
  std::vector<float> v(static_cast<size_t>(d));
  for (float& x : v) x = static_cast<float>(rng.normal());
  return v;
}

Recipe recipe_at(const std::string& site) {
  Recipe recipe;
  recipe.model_hash = nano().hash();
  recipe.site = site;
  return recipe;
}

Operator everywhere(Operator op) {
  op.where.padding = true;
  return op;
}

int64_t width_of(const std::string& site) {
  return model::site_width(nano().dims(), model::find_site(nano().dims(), site));
}

/// Additions and removals in turn, strong enough to change every logit.
std::vector<Operator> mixed(const std::string& site, bool removals) {
  const int64_t d = width_of(site);
  std::vector<Operator> ops;
  ops.push_back(everywhere(add_direction(direction(1, d), 1.5, 2)));
  if (removals) {
    const std::vector<std::vector<float>> two = {direction(2, d), direction(3, d)};
    ops.push_back(everywhere(remove_directions(two, .8)));
  }
  ops.push_back(everywhere(add_direction(direction(4, d), -.5, 3)));
  if (removals) {
    const std::vector<std::vector<float>> one = {direction(5, d)};
    ops.push_back(everywhere(remove_directions(one)));
  }
  return ops;
}

struct Forward {
  Tensor<float> heard, logits;
};

Forward forward(const model::Whisper& model, model::Hooks hooks) {
  const auto input = testing::nano_input();
  Forward f;
  f.heard = model.encode(input.mel, {}, hooks);
  f.logits = model.decode_forced(f.heard, input.tokens, {}, hooks);
  return f;
}

/// Steered by all recipes against their fold.
void check_fold(const std::vector<Recipe>& recipes, const std::filesystem::path& sae = {}) {
  const TemporaryFolder work;
  model::ConvertOptions options;
  options.source_hash = nano().hash();
  std::vector<std::unique_ptr<Steering>> steerings;
  std::vector<model::Hook*> hooks;
  for (const Recipe& recipe : recipes) {
    options.edits.push_back(weight_edit(recipe, sae));
    steerings.push_back(std::make_unique<Steering>(recipe, nano(), sae));
    hooks.push_back(&steerings.back()->hook());
  }
  const auto made = model::convert_model(testing::golden("whisper_nano").string(),
                                         work.path() / "edited", options);
  CHECK(made.hash != nano().hash());
  CHECK(made.dtype == "f32");
  const auto edited = model::Whisper::load(work.path() / "edited");
  const Forward plain = forward(nano(), {}), want = forward(nano(), hooks),
                got = forward(edited, {});
  CHECK(testing::relative_error(plain.logits, want.logits) > 0.01);  // the recipe does something
  CHECK_CLOSE(got.logits, want.logits, 1e-4);

  // Greedy decoding through the cache says the same.
  model::DecodeOptions decode;
  decode.sample_len = 20;
  const auto tokenizer = model::load_tokenizer(nano());
  const auto a = model::decode(nano(), tokenizer, want.heard, decode, {}, hooks);
  const auto b = model::decode(edited, tokenizer, got.heard, decode, {}, {});
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i].tokens == b[i].tokens);
}

}  // namespace

TEST_CASE("weights hold additions at every site that a bias reaches") {
  for (const char* site :
       {"encoder.embed", "encoder.blocks.0.resid_pre", "encoder.blocks.0.resid_mid",
        "encoder.blocks.1.resid_pre", "encoder.blocks.0.resid_post", "encoder.blocks.1.ln1",
        "encoder.blocks.1.ln2", "encoder.out", "decoder.embed", "decoder.blocks.0.resid_pre",
        "decoder.blocks.1.resid_mid", "decoder.blocks.1.resid_cross", "decoder.blocks.0.resid_post",
        "decoder.blocks.1.resid_pre", "decoder.blocks.0.ln_cross", "decoder.out"}) {
    CAPTURE(site);
    Recipe recipe = recipe_at(site);
    recipe.operators = mixed(site, false);
    check_fold({recipe});
  }
}

TEST_CASE("weights hold additions and removals where a product writes or reads the site") {
  for (const char* site :
       {"encoder.blocks.0.attn_out", "encoder.blocks.1.mlp_out", "encoder.blocks.0.mlp_pre",
        "encoder.blocks.1.mlp_post", "encoder.blocks.0.ln1", "encoder.blocks.0.ln2", "encoder.out",
        "decoder.blocks.0.attn_out", "decoder.blocks.1.cross_attn_out", "decoder.blocks.0.mlp_out",
        "decoder.blocks.1.mlp_pre", "decoder.blocks.0.mlp_post", "decoder.blocks.1.ln1",
        "decoder.blocks.0.ln_cross", "decoder.blocks.1.ln2"}) {
    CAPTURE(site);
    Recipe recipe = recipe_at(site);
    recipe.operators = mixed(site, true);
    check_fold({recipe});
  }
}

TEST_CASE(
    "a direction removed from all that the encoder's blocks write, and more recipes at once") {
  std::vector<Recipe> recipes;
  const std::vector<std::vector<float>> one = {direction(7, kWidth)};
  for (const char* site : {"encoder.blocks.1.mlp_out", "encoder.blocks.0.attn_out",
                           "encoder.blocks.0.mlp_out", "encoder.blocks.1.attn_out"}) {
    recipes.push_back(recipe_at(site));
    recipes.back().operators = {everywhere(remove_directions(one))};
  }
  // Later in the forward than the removal at attn_out, but given before it.
  Recipe stream = recipe_at("encoder.blocks.0.resid_mid");
  stream.operators = {everywhere(add_direction(direction(8, kWidth), 1, 2))};
  recipes.insert(recipes.begin(), stream);
  check_fold(recipes);
}

TEST_CASE("adding features that need not fire is adding a direction") {
  const TemporaryFolder work;
  for (const bool rescale : {false, true}) {
    sae::Sae sae =
        testing::random_sae(kWidth, 64, sae::Activation::jumprelu, sae::Normalize::none, rescale);
    const auto folder = work.path() / (rescale ? "rescaled" : "plain");
    sae::save(sae, folder);
    Recipe recipe = recipe_at("encoder.blocks.0.resid_post");
    recipe.sae_hash = sae.hash;
    recipe.operators = {everywhere(add_direction(direction(9, kWidth), .5, 1)),
                        everywhere(on_features(Action::add, {3, 40}, 2, {1.5F, .5F}))};
    check_fold({recipe}, folder);
    recipe.sae_hash = "00";
    CHECK(error_of([&] { weight_edit(recipe, folder); }).find("another") != std::string::npos);
  }
}

TEST_CASE("what weights cannot hold is one clear line") {
  const TemporaryFolder work;
  const auto refused = [&](Recipe recipe) {
    const std::string error = error_of([&] {
      model::ConvertOptions options;
      options.edits.push_back(weight_edit(recipe));
      options.source_hash = recipe.model_hash;
      model::convert_model(testing::golden("whisper_nano").string(), work.path() / "out", options);
    });
    CHECK(error.find('\n') == std::string::npos);
    CHECK(!std::filesystem::exists(work.path() / "out"));
    return error;
  };
  const auto says = [](const std::string& error, const char* part) {
    INFO(error);
    return error.find(part) != std::string::npos;
  };
  Recipe recipe = recipe_at("encoder.blocks.0.resid_post");
  for (const Action action : {Action::clamp, Action::scale, Action::ablate, Action::mean}) {
    recipe.operators = {everywhere(on_features(action, {1}, 2))};
    CHECK(says(refused(recipe), "which depends on the row"));
  }
  recipe.operators = {add_direction(direction(1, kWidth), 1, 1)};
  CHECK(says(refused(recipe), "weights act on every frame"));
  recipe.operators = {everywhere(add_direction(direction(1, kWidth), 1, 1))};
  recipe.operators[0].where.end = 10;
  CHECK(says(refused(recipe), "operator 1] expected an edit of every row"));
  recipe.operators = {everywhere(add_direction(direction(1, 64), 1, 1))};
  CHECK(says(refused(recipe), "expected directions of width 128"));
  const std::vector<std::vector<float>> one = {direction(1, kWidth)};
  recipe.operators = {everywhere(remove_directions(one))};
  CHECK(says(refused(recipe), "remove it at attn_out and mlp_out"));
  recipe.site = "encoder.conv2";
  CHECK(says(refused(recipe), "expected a site that a bias or a product"));
  recipe.site = "decoder.out";
  CHECK(says(refused(recipe), "expected only additions at decoder.out"));
  recipe.site = "encoder.out";
  recipe.model_hash = "abc";
  CHECK(says(refused(recipe), "a recipe holds for the model it was made with"));
  recipe.form = Form::splice;
  CHECK(says(refused(recipe), "expected the preserving form"));
  recipe.form = Form::preserving;
  recipe.when.emplace();
  CHECK(says(refused(recipe), "expected a recipe that always acts"));
}

}  // namespace otoscope::steer
