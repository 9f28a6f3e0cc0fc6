#include "otoscope/contexts/factorial.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "otoscope/contexts/nuisance.h"
#include "otoscope/core/rng.h"

namespace otoscope::contexts {
namespace {

constexpr int64_t kPairs = 40, kFeatures = 12;

/// Column 0 is of the content, 1 of the recording, 2 of the second content in the second recording
/// alone, 3 is of the content but heard in the first recording alone.
Comparison content_of(int content, bool decoded = false) {
  Comparison c;
  c.first = content == 0 ? "a" : "b";
  c.second = c.first + "2";
  c.items.paired = true;
  Gathered& g = c.trained;
  g.pooled = Pooled(2 * kPairs, kFeatures, 4);
  g.mel = Tensor<float>(Shape{2 * kPairs, 6});
  g.nuisances = Tensor<float>(Shape{2 * kPairs, kNuisanceCount});
  Rng rng(static_cast<uint64_t>(5 + content), "factorial");
  std::vector<uint8_t> context;
  std::vector<std::string> group, source(2 * kPairs);
  for (int64_t i = 0; i < 2 * kPairs; ++i) {
    const int recording = i < kPairs ? 0 : 1;
    context.push_back(static_cast<uint8_t>(recording));
    group.push_back("g" + std::to_string(i % kPairs));
    const double shift[] = {content * 2.0, recording * 2.0, content * recording * 2.0,
                            content * (1 - recording) * 3.0};
    for (int64_t j = 0; j < kFeatures; ++j)
      g.pooled.features.at(i, j) =
          static_cast<float>(rng.normal() + (j < 4 ? shift[static_cast<size_t>(j)] : 0));
    for (int64_t j = 0; j < 8; ++j) g.pooled.raw.at(i, j) = static_cast<float>(rng.normal());
    for (int64_t j = 0; j < 6; ++j) g.mel.at(i, j) = static_cast<float>(rng.normal());
    for (int64_t j = 0; j < kNuisanceCount; ++j)
      g.nuisances.at(i, j) = static_cast<float>(rng.normal());
    if (!decoded) continue;
    steer::SoundWindow window;
    window.speech = true;
    window.reference = "one two three four";
    window.words = 4;
    // Wrong words: 0 and 1 of 4 in the first content's recordings, 2 and 4 in the second's.
    const char* wrote[2][2] = {{"one two three four", "one two three five"},
                               {"one two five six", "five six seven eight"}};
    steer::Heard heard;
    heard.normalised = wrote[content][recording];
    g.windows.push_back(window);
    g.heard.push_back(heard);
  }
  c.items.design = make_design(context, group, source);
  return c;
}

CompareOptions quick() {
  CompareOptions options;
  options.permutations = 199;
  options.replicates = 200;
  return options;
}

TEST_CASE("content, recording and what only both do come apart") {
  const Factorial f = factorial_of(content_of(0), content_of(1), quick(), 1);
  CHECK(f.clips[0] == kPairs);
  REQUIRE(f.content.size() == kFeatures);
  CHECK(f.recording[0].column == 1);
  CHECK(f.recording[0].q < .05);
  CHECK(f.content[0].column == 0);
  // Columns 2 and 3 hold half of their difference at the average of the recordings.
  CHECK(f.content[0].difference.value == doctest::Approx(2).epsilon(.3));
  CHECK(f.interaction[0].column >= 2);
  CHECK(f.interaction[0].column <= 3);
  CHECK(f.interaction[1].column + f.interaction[0].column == 5);
  CHECK(f.interaction[1].q < .05);
  for (const ColumnDifference& c : f.interaction)
    if (c.column == 0 || c.column == 1) CHECK(c.p > .001);
}

TEST_CASE("what tells contents in one recording carries over as far as it is heard in the other") {
  const Factorial f = factorial_of(content_of(0), content_of(1), quick(), 2);
  REQUIRE(f.tables.size() == 4);
  CHECK(f.tables[0].name == "features");
  CHECK(f.tables[0].content.within[0].value > .9);
  CHECK(f.tables[0].recording.within[0].value > .85);
  // The first recording's strongest column is silent in the second.
  CHECK(f.tables[0].content.across[0].value < f.tables[0].content.within[0].value);
  CHECK(f.tables[0].content.across[0].low > .5);
  // Log-mel here is noise.
  CHECK(f.tables[2].content.within[0].low < .5);
  CHECK(f.tables[2].recording.across[1].low < .55);
  CHECK(f.tables[0].content.within[0].clusters == 2 * kPairs);
}

TEST_CASE("rates: two main effects and their interaction, as counted by hand") {
  const Comparison a = content_of(0, true), b = content_of(1, true);
  const Factorial f = factorial_of(a, b, quick(), 3);
  CHECK(f.behaviour == "word error rate");
  CHECK(f.rate[0][0].value == doctest::Approx(0));
  CHECK(f.rate[1][1].value == doctest::Approx(1));
  CHECK(f.by_content.value == doctest::Approx((.5 + 1 - 0 - .25) / 2));
  CHECK(f.by_recording.value == doctest::Approx((.25 + 1 - 0 - .5) / 2));
  CHECK(f.by_both.value == doctest::Approx(1 - .5 - .25 + 0));
  const auto json = factorial_json(a, b, f, {}, quick());
  CHECK(json["behaviour"]["content x recording"]["value"].get<double>() == doctest::Approx(.25));
  CHECK(json["contents"][1][1] == "b2");
}

}  // namespace
}  // namespace otoscope::contexts
