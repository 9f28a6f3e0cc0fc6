#include "otoscope/features/stability.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "features/made_store.h"
#include "otoscope/core/rng.h"
#include "otoscope/features/describe.h"
#include "otoscope/features/directions.h"
#include "otoscope/io/sqlite.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::features {
namespace {

using otoscope::testing::error_of;
using otoscope::testing::TemporaryFolder;

constexpr int64_t kWidth = 12;

/// 24 prompts; each row carries two of the twelve axes, so every axis fires in every split.
std::vector<testing::MadeClip> clips() {
  Rng rng(1, "clips");
  std::vector<testing::MadeClip> out;
  for (int i = 0; i < 24; ++i) {
    testing::MadeClip clip;
    clip.id = "clip" + std::to_string(i);
    clip.split = i < 14 ? "train" : i < 16 ? "dev" : "test";
    clip.x = Tensor<float>(Shape{60, kWidth});
    for (int64_t t = 0; t < 60; ++t)
      for (int n = 0; n < 2; ++n)
        clip.x.at(t, static_cast<int64_t>(rng.below(kWidth))) =
            static_cast<float>(rng.uniform(1, 2));
    out.push_back(std::move(clip));
  }
  return out;
}

/// Axes 0..7 as features, moved to other numbers; from the third SAE on, four of them are replaced
/// by the last four axes.
struct Fixture {
  TemporaryFolder folder;
  store::Store store = testing::made_store(folder.path() / "acts", clips());
  sae::Sae first = testing::made_sae(testing::axis_rows({0, 1, 2, 3, 4, 5, 6, 7}, kWidth));
  sae::Sae second = testing::made_sae(testing::axis_rows({7, 6, 5, 4, 3, 2, 1, 0}, kWidth));
  sae::Sae third = testing::made_sae(testing::axis_rows({8, 9, 10, 11, 0, 1, 2, 3}, kWidth));

  Stability run(const std::vector<StabilitySae>& saes,
                const std::vector<StabilitySae>& controls = {}) {
    return measure_stability(saes, controls, store, {}, silent_progress());
  }
};

}  // namespace

TEST_CASE("the same features under other numbers are found again, and others are not") {
  Fixture f;
  const Stability result = f.run({{"first", &f.first}, {"second", &f.second}, {"third", &f.third}});
  REQUIRE(result.pairs.size() == 3);
  const PairStability& same = result.pairs[0];
  CHECK(same.mutual.value == 1);
  CHECK(same.mutual_at[2].value == 1);
  CHECK(same.assigned_at[2].value == 1);
  CHECK(same.pw_mcc.value == doctest::Approx(1));
  CHECK(same.covered_a.value == 1);
  CHECK(same.covered_b.value == 1);
  CHECK(same.covered_same_rows == 1);
  CHECK(same.covered_chance == 0);

  const PairStability& half = result.pairs[1];
  CHECK(half.mutual_at[0].value == 0.5);
  CHECK(half.assigned_at[1].value == 0.5);
  CHECK(half.pw_mcc.value == doctest::Approx(0.5));
  CHECK(half.covered_a.value == 0.5);
  CHECK(half.covered_a.clusters == 8);

  CHECK(result.found[0].seeds == std::vector<int32_t>{3, 3, 3, 3, 2, 2, 2, 2});
  CHECK(result.found[1].seeds == std::vector<int32_t>{2, 2, 2, 2, 3, 3, 3, 3});
  CHECK(result.found[2].seeds == std::vector<int32_t>{1, 1, 1, 1, 3, 3, 3, 3});
  CHECK(result.found[0].mean_cosine[0] == doctest::Approx(1));
  CHECK(result.found[0].mean_cosine[7] == doctest::Approx(0.5));
}

TEST_CASE("a control shares nothing, and controls of one name are matched with each other") {
  Fixture f;
  const sae::Sae other = testing::made_sae(testing::axis_rows({8, 9, 10, 11}, kWidth)),
                 again = testing::made_sae(testing::axis_rows({11, 10, 9, 8}, kWidth));
  const Stability result =
      f.run({{"first", &f.first}, {"second", &f.second}}, {{"frozen", &other}, {"frozen", &again}});
  REQUIRE(result.controls.size() == 5);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(result.controls[i].mutual_at[0].value == 0);
    CHECK(result.controls[i].covered_a.value == 0);
  }
  CHECK(result.controls[4].differs == "within the control");
  CHECK(result.controls[4].mutual_at[2].value == 1);
  CHECK(result.controls[4].covered_a.value == 1);
}

TEST_CASE("random dictionaries of a real size match as little as the closed form says") {
  constexpr int64_t kF = 256, kD = 64;
  TemporaryFolder folder;
  std::vector<testing::MadeClip> list;
  Rng rng(4, "rows");
  for (int i = 0; i < 6; ++i) {
    testing::MadeClip clip;
    clip.id = "c" + std::to_string(i);
    clip.split = i < 4 ? "train" : "test";
    clip.x = Tensor<float>(Shape{200, kD});
    for (int64_t j = 0; j < clip.x.size(); ++j) clip.x[j] = static_cast<float>(rng.normal());
    list.push_back(std::move(clip));
  }
  const store::Store store = testing::made_store(folder.path() / "acts", list);
  const sae::Sae a = testing::made_sae(random_directions(kF, kD, 101), 1.5f),
                 b = testing::made_sae(random_directions(kF, kD, 102), 1.5f);
  const Stability result =
      measure_stability({{"a", &a}, {"b", &b}}, {}, store, {}, silent_progress());
  const double expected = random_best_cosine(kD, kF);
  CHECK(result.pairs[0].nearest_mean.value == doctest::Approx(expected).epsilon(0.03));
  CHECK(result.nulls[0].nearest_mean.value == doctest::Approx(expected).epsilon(0.03));
  CHECK(result.pairs[0].mutual_at[1].value == 0);
  CHECK(result.pairs[0].mutual.value < 0.6);  // mutual, but near nothing
  const auto json = result.json();
  CHECK(json.at("nulls").at("closed_form").at("nearest_mean").get<double>() == expected);
  CHECK(json.at("summary").at("mutual").at("low").is_null());  // two seeds give no interval
}

TEST_CASE("the table says by how many seeds each feature was found") {
  Fixture f;
  sae::save(f.first, f.folder.path() / "sae");
  describe(f.first, f.store, {}, silent_progress());
  const auto database = f.folder.path() / "sae" / "features.sqlite";
  const Stability result = f.run({{"first", &f.first}, {"second", &f.second}, {"third", &f.third}});
  write_stability(database, result.found[0], 3, "one");
  write_stability(database, result.found[0], 3, "two");
  const io::Database db(database);
  io::Statement rows = db.prepare(
      "SELECT count(*), sum(seeds = 3), min(of), (SELECT value FROM meta WHERE key = 'stability') "
      "FROM stability");
  REQUIRE(rows.step());
  CHECK(rows.integer(0) == 8);
  CHECK(rows.integer(1) == 4);
  CHECK(rows.integer(2) == 3);
  CHECK(rows.text(3) == "two");
  CHECK(error_of([&] {
          write_stability(f.folder.path() / "no", result.found[0], 3, "");
        }).find("run describe") != std::string::npos);
}

TEST_CASE("what cannot be matched is refused with the reason") {
  Fixture f;
  CHECK(error_of([&] {
          f.run({{"first", &f.first}});
        }).find("two or more SAEs to match, got 1") != std::string::npos);
  const sae::Sae wide = testing::made_sae(testing::axis_rows({0, 1}, kWidth + 1));
  CHECK(error_of([&] {
          f.run({{"first", &f.first}, {"wide", &wide}});
        }).find("width 13, got 12") != std::string::npos);
  const sae::Sae silent = testing::made_sae(testing::axis_rows({0}, kWidth), 1e6f);
  CHECK(error_of([&] {
          f.run({{"first", &f.first}, {"silent", &silent}});
        }).find("expected features that fire") != std::string::npos);
  auto fewer = clips();
  fewer.pop_back();
  const store::Store other = testing::made_store(f.folder.path() / "fewer", fewer);
  CHECK(error_of([&] {
          f.run({{"first", &f.first}, {"second", &f.second}}, {{"shuffled", &f.third, &other}});
        }).find("expected the same rows") != std::string::npos);
}

}  // namespace otoscope::features
