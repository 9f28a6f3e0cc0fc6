#include "otoscope/steer/recipe.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "model/nano.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "steer/dense.h"
#include "support/errors.h"

namespace otoscope::steer {
namespace {

using nlohmann::json;
using testing::nano;
using testing::TemporaryFolder;

constexpr int64_t kD = 128;

/// A recipe of each kind of operator, its SAE beside it.
Recipe full_recipe(const TemporaryFolder& folder) {
  sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::jumprelu);
  sae::save(sae, folder.path() / "sae");
  Recipe recipe;
  recipe.name = "less noise";
  recipe.model_name = "nano";
  recipe.model_hash = nano().hash();
  recipe.sae_folder = "../sae";
  recipe.sae_hash = sae.hash;
  recipe.site = "encoder.blocks.0.resid_post";
  recipe.operators.push_back(on_features(Action::clamp, {3, 9}, 1.5, {.5F, .1F}));
  recipe.operators.back().where.firing = true;
  recipe.operators.back().where.end = 40;
  Rng rng(0, "v");
  std::vector<std::vector<float>> v(2, std::vector<float>(kD));
  for (auto& one : v)
    for (float& x : one) x = static_cast<float>(rng.normal());
  recipe.operators.push_back(add_direction(v[0], -.25, 3.75));
  recipe.operators.push_back(remove_directions(v, .5));
  return recipe;
}

std::string refusal(const json& recipe) {
  return testing::error_of([&] { parse_recipe(recipe.dump(), "recipe.json"); });
}

bool says(const std::string& text, const char* words) {
  INFO(text);
  return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a recipe that was written reads back, and steers as its operators do") {
  const TemporaryFolder folder;
  const Recipe recipe = full_recipe(folder);
  const auto path = folder.path() / "recipes" / "quiet.json";
  io::make_folder(path.parent_path());
  write_recipe(path, recipe);
  const Recipe read = read_recipe(path);
  CHECK(read.name == "less noise");
  REQUIRE(read.operators.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(read.operators[i].action == recipe.operators[i].action);
    CHECK(read.operators[i].features == recipe.operators[i].features);
    CHECK(read.operators[i].units == recipe.operators[i].units);
    CHECK(read.operators[i].directions == recipe.operators[i].directions);
    CHECK(read.operators[i].strength == recipe.operators[i].strength);
    CHECK(read.operators[i].unit == recipe.operators[i].unit);
    CHECK(read.operators[i].rank == recipe.operators[i].rank);
    CHECK(read.operators[i].where == recipe.operators[i].where);
  }
  Steering steering(read, nano());
  const sae::Sae sae = sae::load(folder.path() / "sae");
  SteerHook direct(nano().dims(), model::find_site(nano().dims(), recipe.site), recipe.operators,
                   &sae);
  const auto mel = testing::nano_input().mel.clone();
  model::Hook *a = &steering.hook(), *b = &direct;
  const Tensor<float> one = nano().encode(mel, {}, {&a, 1}), two = nano().encode(mel, {}, {&b, 1});
  CHECK(testing::same_bits(one, two));
  CHECK_FALSE(testing::same_bits(one, nano().encode(mel)));
}

TEST_CASE("another model or another SAE is refused by its hash") {
  const TemporaryFolder folder;
  Recipe recipe = full_recipe(folder);
  recipe.path = folder.path() / "recipes" / "quiet.json";
  Recipe other = recipe;
  other.model_hash = std::string(64, 'a');
  CHECK(says(testing::error_of([&] { Steering(other, nano()); }),
             "made for model nano (aaaaaaaaaaaa…)"));
  model::LoadOptions shuffled;
  shuffled.shuffle_weights = 1;
  const auto control = model::Whisper::load(testing::golden("whisper_nano"), shuffled);
  CHECK(says(testing::error_of([&] { Steering(recipe, control); }), "made for model nano"));
  other = recipe;
  other.sae_hash = std::string(64, 'b');
  CHECK(
      says(testing::error_of([&] { Steering(other, nano()); }), "made with the SAE bbbbbbbbbbbb…"));
  CHECK(says(testing::error_of([&] { Steering(recipe, nano(), folder.path() / "elsewhere"); }),
             "elsewhere"));
  other = recipe;
  other.operators[0].features = {2 * kD};
  CHECK(says(testing::error_of([&] { Steering(other, nano()); }), "expected features 0 to 255"));
  other = recipe;
  other.site = "encoder.blocks.0.resid_poste";
  CHECK(says(testing::error_of([&] { Steering(other, nano()); }), "resid_post"));
}

TEST_CASE("broken recipes are refused with the place that is wrong") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "r.json";
  write_recipe(path, full_recipe(folder));
  const json good = json::parse(io::read_file(path));
  CHECK(refusal(good) == "nothing was thrown");
  const auto changed = [&](const std::function<void(json&)>& change) {
    json copy = good;
    change(copy);
    return refusal(copy);
  };
  CHECK(says(changed([](json& r) { r.erase("schema"); }), "schema"));
  CHECK(says(changed([](json& r) { r["schema"] = "otoscope.steer"; }), "otoscope.recipe"));
  CHECK(says(changed([](json& r) { r["version"] = 2; }), "expected version 1, got 2"));
  CHECK(says(changed([](json& r) { r["colour"] = 1; }), "knows no key \"colour\""));
  CHECK(says(changed([](json& r) { r["operators"][0]["strenght"] = 1; }),
             "operator 1] knows no key \"strenght\""));
  CHECK(says(changed([](json& r) { r["operators"][0]["action"] = "clam"; }), "clamp"));
  CHECK(says(changed([](json& r) { r["operators"][0]["action"] = "swap"; }), "another clip"));
  CHECK(says(changed([](json& r) { r["operators"][0]["features"] = {1.5, 2}; }), "features"));
  CHECK(says(changed([](json& r) { r["operators"][0]["features"] = {-1, 2}; }), "features"));
  CHECK(says(changed([](json& r) { r["operators"][0]["features"] = {1LL << 40, 2}; }), "features"));
  CHECK(says(changed([](json& r) { r["operators"][0]["units"] = {1e300, 2}; }), "32 bits"));
  CHECK(says(changed([](json& r) { r["operators"][0]["units"] = {"1", "2"}; }), "numbers"));
  CHECK(says(changed([](json& r) { r["operators"][1]["directions"] = json::array(); }),
             "nothing was thrown"));  // refused where the width is known: check_operator
  CHECK(says(changed([](json& r) { r["operators"][2]["directions"][1] = {1, 2}; }), "one width"));
  CHECK(says(changed([](json& r) { r["operators"][1]["features"] = {1}; }), "not features"));
  CHECK(says(changed([](json& r) { r["operators"][0]["unit"] = 1; }), "not directions"));
  CHECK(says(changed([](json& r) { r["operators"][0]["where"]["first"] = "a"; }), "first"));
  CHECK(says(changed([](json& r) {
               for (int i = 0; i < 70; ++i) r["operators"].push_back(r["operators"][0]);
             }),
             "at most 64"));
  CHECK(says(changed([](json& r) { r.erase("sae"); }), "hash of an SAE"));
  CHECK(says(changed([](json& r) { r["form"] = "loose"; }), "preserving or splice"));
  CHECK(says(testing::error_of([] { parse_recipe("{", "r"); }), "[r]"));
  CHECK(says(testing::error_of([] { parse_recipe("[]", "r"); }), "expected an object"));

  Recipe local = full_recipe(folder);
  local.operators[0].where.ranges[0] = {{1, 2}};
  CHECK(says(testing::error_of([&] { write_recipe(path, local); }), "name no clips of one run"));
}

}  // namespace otoscope::steer
