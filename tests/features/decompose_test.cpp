#include "otoscope/features/decompose.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "features/made_store.h"
#include "features/purity.h"
#include "otoscope/core/rng.h"
#include "otoscope/features/directions.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::features {
namespace {

using otoscope::testing::error_of;
using otoscope::testing::TemporaryFolder;

constexpr int kPhones = 8;
constexpr int64_t kWidth = 12, kNeurons = 5;

/// Phone v stands on axis v of the stream. Neuron 0 fires on phones 0, 1 and 2; neuron 1 on phone 3
/// alone; neuron 2 on any; neuron 3 never; neuron 4 on phones 4 and 5. Axes 8 and up are noise.
struct Corpus {
  std::vector<testing::MadeClip> stream, neurons;
  std::vector<audio::ClipLabels> labels;
  Tensor<float> output{Shape{kWidth, kNeurons}};
};

bool fires(int64_t neuron, int64_t phone, Rng& rng) {
  switch (neuron) {
    case 0:
      return phone <= 2;
    case 1:
      return phone == 3;
    case 2:
      return rng.uniform() < 0.3;
    case 4:
      return phone == 4 || phone == 5;
    default:
      return false;
  }
}

Corpus corpus() {
  Corpus out;
  for (int64_t v = 0; v <= 2; ++v) out.output.at(v, 0) = 1;
  out.output.at(3, 1) = 2;
  out.output.at(8, 2) = out.output.at(9, 3) = 1;
  out.output.at(4, 4) = out.output.at(5, 4) = 1;
  for (int i = 0; i < 50; ++i) {
    Rng rng(static_cast<uint64_t>(i), "decompose");
    testing::MadeClip clip;
    clip.id = "clip" + std::to_string(i);
    clip.split = i < 25 ? "train" : i < 30 ? "dev" : "test";
    clip.x = Tensor<float>(Shape{100, kWidth});
    testing::MadeClip cells = {clip.id, "en", clip.split, "", Tensor<float>(Shape{100, kNeurons})};
    audio::ClipLabels labelled{clip.id, 2.0, {}};
    audio::Track track;
    track.known_to = 2.0;
    for (int64_t t = 0; t < 100; ++t) {
      const auto phone = static_cast<int64_t>(rng.below(kPhones));
      const double start = std::max(0.0, 0.02 * static_cast<double>(t) - 0.01);
      track.labels.push_back(
          {start, 0.02 * static_cast<double>(t) + 0.01, std::string(1, char('a' + phone))});
      clip.x.at(t, phone) = static_cast<float>(rng.uniform(1, 2));
      for (int64_t j = 8; j < kWidth; ++j) clip.x.at(t, j) = static_cast<float>(rng.normal()) / 5;
      for (int64_t n = 0; n < kNeurons; ++n)
        cells.x.at(t, n) = fires(n, phone, rng) ? clip.x.at(t, phone) : -0.1f;
    }
    labelled.tracks.push_back(track);
    out.stream.push_back(std::move(clip));
    out.neurons.push_back(std::move(cells));
    out.labels.push_back(std::move(labelled));
  }
  return out;
}

struct Fixture {
  TemporaryFolder folder;
  Corpus made = corpus();
  store::Store stream =
      testing::made_store(folder.path() / "stream", made.stream, "encoder.blocks.3.resid_post");
  store::Store neurons =
      testing::made_store(folder.path() / "neurons", made.neurons, "encoder.blocks.3.mlp_post");
  sae::Sae sae = testing::made_sae(testing::axis_rows({0, 1, 2, 3, 4, 5, 6, 7}, kWidth));
  DecomposeOptions options;

  Fixture() { options.random = 40, options.top = 3; }
  UnitSource neuron_source() const {
    UnitSource source;
    source.neurons = &neurons;
    source.output_weight = made.output;
    return source;
  }
  Decomposition run(const UnitSource& source, int64_t only = -1) {
    return decompose({{"axes", &sae}}, stream, source, made.labels, only, options,
                     silent_progress());
  }
};

}  // namespace

TEST_CASE("a neuron of three phones is laid apart into their features, each three times as pure") {
  Fixture f;
  const Decomposition result = f.run(f.neuron_source());
  const UnitTable& table = result.tables.at(0);
  CHECK(table.name == "neurons");
  REQUIRE(table.units.size() == kNeurons);

  const UnitParts& three = table.units[0];
  REQUIRE(three.parts.size() == 3);
  std::vector<int64_t> features;
  for (const Part& part : three.parts) {
    features.push_back(part.feature);
    CHECK(part.senses == doctest::Approx(1));
    // Its threshold lets it fire as often as one of its parts, on the strongest of all three.
    CHECK(part.unit_senses == doctest::Approx(3).epsilon(0.05));
    CHECK(part.n >= 30);
  }
  std::sort(features.begin(), features.end());
  CHECK(features == std::vector<int64_t>{0, 1, 2});
  CHECK(three.bits == doctest::Approx(std::log2(3.0)).epsilon(0.05));
  CHECK(three.r2 > 0.98);

  const UnitParts& one = table.units[1];
  CHECK(one.parts.at(0).feature == 3);
  CHECK(one.parts.at(0).share > 0.4);  // W_out of length 2: read off by its inverse, 1/2
  CHECK(one.bits == doctest::Approx(0).epsilon(1e-9));
  CHECK(table.units[3].parts.empty());  // never moves
  CHECK(std::isnan(table.units[3].bits));
}

TEST_CASE("the unit to show is the mixed one with different parts, and its labels are on test") {
  Fixture f;
  const Decomposition result = f.run(f.neuron_source());
  REQUIRE(result.illustration.has_value());
  CHECK(result.illustration->unit == 0);
  CHECK(result.illustration->chosen);
  REQUIRE(result.illustration->labels.size() == 3);
  CHECK(result.illustration->labels[0].share < 0.5);
  for (const auto& part : result.illustration->of_parts) {
    REQUIRE(part.labels.size() == 1);
    CHECK(part.labels[0].label == std::string(1, char('a' + part.feature)));
  }
  const Decomposition asked = f.run(f.neuron_source(), 4);
  CHECK(asked.illustration->unit == 4);
  CHECK(!asked.illustration->chosen);
  CHECK(asked.json().at("illustration").at("chosen_on") == "asked for");
}

TEST_CASE("shares of a coordinate add up to one where the SAE leaves no error") {
  Fixture f;
  const Decomposition result = f.run({});
  const UnitTable& table = result.tables.at(0);
  CHECK(table.name == "coordinates");
  for (int64_t u = 0; u < 8; ++u) {
    const UnitParts& unit = table.units[static_cast<size_t>(u)];
    CHECK(unit.parts.at(0).feature == u);
    CHECK(unit.test_share == doctest::Approx(1).epsilon(1e-4));
    CHECK(unit.bits == doctest::Approx(0).epsilon(1e-9));
  }
  CHECK(table.units[9].parts.empty());  // noise, in no feature
}

TEST_CASE("random directions are mixed where coordinates are pure, and the test tells them apart") {
  Fixture f;
  const Decomposition result = f.run({});
  const UnitTable &pure = result.tables.at(0), &random = result.tables.at(1);
  CHECK(random.name == "random directions");
  CHECK(random.units.size() == 40);
  CHECK(pure.bits.value == doctest::Approx(0).epsilon(1e-9));
  CHECK(pure.p > 0.5);
  CHECK(random.bits.value > 0.2);
  CHECK(random.bits.low > 0);
  CHECK(random.p < 0.001);
  CHECK(random.unit_senses > random.senses * 1.2);
  CHECK(result.tables.at(2).name == "principal axes");
}

TEST_CASE("given directions are units too, and another SAE stands in as a control") {
  Fixture f;
  UnitSource source;
  source.directions = Tensor<float>(Shape{1, kWidth});
  source.directions.at(0, 6) = source.directions.at(0, 7) = 3;
  const sae::Sae mixed = testing::made_sae(random_directions(8, kWidth, 1));
  const Decomposition result = decompose({{"axes", &f.sae}, {"random", &mixed}}, f.stream, source,
                                         f.made.labels, -1, f.options, silent_progress());
  const UnitParts& unit = result.tables.at(0).units.at(0);
  CHECK(unit.parts.size() == 2);
  CHECK(unit.test_share == doctest::Approx(1).epsilon(1e-3));
  CHECK(result.tables.at(0).bits.value > 0.8);
  CHECK(result.tables.back().of == "random");
  CHECK(result.tables.back().bits.value < result.tables.at(0).bits.value);
}

TEST_CASE("what does not fit is refused with the reason") {
  Fixture f;
  CHECK(error_of([&] { f.run(f.neuron_source(), 5); }).find("below 5, got 5") != std::string::npos);
  UnitSource source = f.neuron_source();
  const Tensor<float> narrow(Shape{kWidth, kNeurons - 1});
  source.output_weight = narrow;
  CHECK(error_of([&] { f.run(source); }).find("output weight") != std::string::npos);
  f.options.kind = "stress";
  CHECK(error_of([&] { f.run({}); }).find("labels of kind stress, got none") != std::string::npos);
}

TEST_CASE("purity is compared at equal counts and with a group left out") {
  const std::vector<int32_t> rows{0, 2, 3, 5}, label{1, 7, -1, 1, 7, 0}, group{0, 0, 1, 1, 0, 2};
  const FiringLabels under = labels_under(rows, label, group);
  CHECK(under.labels == std::vector<int32_t>{1, 1, 0});
  CHECK(under.without(1) == std::vector<int32_t>{1, 0});
  EqualCountRule rule;
  rule.values = 8, rule.least = 3;
  const std::vector<int32_t> same(40, 2), few(2, 1);
  CHECK(compare_purity(same, same, rule, 0).unit_bits == 0);
  CHECK(compare_purity(same, few, rule, 0).n == 0);
  const std::vector<int32_t> groups = cluster_groups(38, 19, 1);
  for (int32_t g = 0; g < 19; ++g) CHECK(std::count(groups.begin(), groups.end(), g) == 2);
}

}  // namespace otoscope::features
