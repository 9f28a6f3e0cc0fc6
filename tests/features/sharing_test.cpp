#include "otoscope/features/sharing.h"

#include <doctest/doctest.h>

#include <cmath>

#include "otoscope/core/rng.h"

namespace otoscope::features {
namespace {

constexpr int64_t kClusters = 60, kValues = 8;
enum Feature : int32_t { kSame, kOther, kOnlyA, kMixed, kRare, kFeatures };

struct Made {
  SparseRows codes;
  LabelledSpeech speech;
};

/// Two languages, each cluster in both. kSame fires on label 0 in both; kOther on 1 in the first
/// and on 2 in the second; kOnlyA on 3, but in the first language alone; kMixed on anything.
Made make(uint64_t seed) {
  Rng rng(seed, "speech");
  Made m;
  m.speech.values = kValues, m.speech.languages = 2, m.speech.clusters = kClusters;
  for (int32_t c = 0; c < kClusters; ++c)
    for (int32_t l = 0; l < 2; ++l)
      for (int t = 0; t < 40; ++t) {
        const auto label = static_cast<int32_t>(rng.below(kValues));
        m.speech.label.push_back(t == 0 ? -1 : label);
        m.speech.language.push_back(l);
        m.speech.cluster.push_back(c);
        std::vector<int32_t> fires;
        if (label == 0) fires.push_back(kSame);
        if (label == (l == 0 ? 1 : 2)) fires.push_back(kOther);
        if (label == 3 && l == 0) fires.push_back(kOnlyA);
        if (rng.uniform() < 0.2) fires.push_back(kMixed);
        if (c == 0 && t == 5) fires.push_back(kRare);
        for (const int32_t f : fires) m.codes.indices.push_back(f), m.codes.values.push_back(1);
        m.codes.indptr.push_back(m.codes.nnz());
      }
  return m;
}

}  // namespace

TEST_CASE("a feature of one meaning shares all of it, one of two meanings nothing") {
  const Made m = make(1);
  const auto pairs = measure_sharing(m.codes, kFeatures, m.speech, {});
  REQUIRE(pairs.size() == 1);
  const auto& by = pairs[0].by_feature;
  CHECK(by[kSame].across == doctest::Approx(1));
  CHECK(by[kSame].within == doctest::Approx(1));
  CHECK(by[kOther].across == doctest::Approx(0));
  CHECK(by[kOther].within == doctest::Approx(1));
  // Equal distributions at equal small counts: as far from 1 across languages as within one.
  CHECK(by[kMixed].across == doctest::Approx(by[kMixed].within).epsilon(0.05));
  CHECK(by[kMixed].within < 0.999);
  CHECK(std::isnan(by[kOnlyA].across));
  CHECK(std::isnan(by[kRare].across));
  CHECK(pairs[0].features == 3);
  CHECK(pairs[0].labels == kValues);
  CHECK(pairs[0].across.low <= pairs[0].across.value);
  CHECK(pairs[0].within.value > pairs[0].across.value);
  CHECK(pairs[0].across.value > pairs[0].other.value);
  CHECK(pairs[0].across.clusters == kClusters);
}

TEST_CASE("labels that one language lacks count for nothing, and take nothing from the rest") {
  Made m = make(4);
  // The first language loses label 2 to a label of its own: what fires there is left out in both.
  m.speech.values = kValues + 1;
  for (size_t r = 0; r < m.speech.label.size(); ++r)
    if (m.speech.language[r] == 0 && m.speech.label[r] == 2) m.speech.label[r] = kValues;
  const auto pairs = measure_sharing(m.codes, kFeatures, m.speech, {});
  CHECK(pairs[0].labels == kValues - 1);
  CHECK(std::isnan(pairs[0].by_feature[kOther].across));  // in the second it fires on 2 alone
  CHECK(pairs[0].by_feature[kSame].across == doctest::Approx(1));
  CHECK(pairs[0].by_feature[kMixed].across ==
        doctest::Approx(pairs[0].by_feature[kMixed].within).epsilon(0.05));
}

TEST_CASE("precision is chosen on one half and asked for by language on the other") {
  const Made learn = make(1), test = make(2);
  const auto found =
      label_precisions(learn.codes, learn.speech, test.codes, test.speech, kFeatures);
  CHECK(found[kSame].label == 0);
  CHECK(found[kSame].ratio(0, 1) == doctest::Approx(1));
  // Its label is that of one language, and its precision in the other is 0.
  CHECK(found[kOther].ratio(0, 1) == doctest::Approx(0));
  CHECK(found[kOnlyA].label == 3);
  CHECK(std::isnan(found[kOnlyA].ratio(0, 1)));
  CHECK(found[kRare].label == -1);
}

TEST_CASE(
    "a feature of one language is far more frequent there, the others no more than by chance") {
  const Made m = make(3);
  const auto pairs = rate_differences(m.codes, kFeatures, m.speech.language, m.speech.cluster, 2,
                                      kClusters, 20, 199, 0);
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].prompts == kClusters);
  CHECK(pairs[0].features == 4);
  CHECK(pairs[0].log2_ratio[kOnlyA] > 4);
  CHECK(std::fabs(pairs[0].log2_ratio[kSame]) < 0.5);
  CHECK(std::isnan(pairs[0].log2_ratio[kRare]));
  CHECK(pairs[0].fourfold.value == doctest::Approx(0.25));
  CHECK(pairs[0].fourfold_chance < 0.02);
  CHECK(pairs[0].p == doctest::Approx(1.0 / 200));
}

}  // namespace otoscope::features
