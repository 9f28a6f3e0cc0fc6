#include "otoscope/features/parallel.h"

#include <doctest/doctest.h>

#include <cmath>

#include "features/made_store.h"
#include "otoscope/core/rng.h"
#include "support/close.h"

namespace otoscope::features {
namespace {

using otoscope::testing::TemporaryFolder;

constexpr int kPrompts = 30;
constexpr int64_t kD = 24;

/// Prompts in two languages and, the first ten, in a third; a third of them are for choosing.
std::vector<testing::MadeClip> clips() {
  std::vector<testing::MadeClip> out;
  for (int p = 0; p < 3 * kPrompts; ++p)
    for (const char* language : {"aa", "bb", "cc"}) {
      if (std::string(language) == "cc" && p % 3 != 0) continue;
      testing::MadeClip clip;
      clip.id = std::string(language) + std::to_string(p);
      clip.language = language;
      clip.prompt = "prompt" + std::to_string(100 + p);
      clip.split = p < kPrompts ? "test" : "train";
      clip.x = Tensor<float>(Shape{2 + p % 7, kD});
      out.push_back(std::move(clip));
    }
  return out;
}

/// A vector for each clip: what is said, and a voice for each language.
Tensor<float> vectors(const ParallelClips& list, const store::Store& store, double said,
                      double voice) {
  Tensor<float> x(Shape{static_cast<int64_t>(list.items.size()), kD});
  for (size_t i = 0; i < list.items.size(); ++i) {
    const store::Item& item = store.items()[static_cast<size_t>(list.items[i])];
    Rng meaning(1, item.prompt_id), speaker(2, item.language), noise(3, item.id);
    for (int64_t j = 0; j < kD; ++j)
      x.at(static_cast<int64_t>(i), j) =
          static_cast<float>(said * meaning.normal() + voice * speaker.normal() + noise.normal());
  }
  return x;
}

Tensor<float> ready(const Tensor<float>& test, const ParallelClips& test_clips,
                    const Tensor<float>& learning, const ParallelClips& learning_clips,
                    Centre how) {
  return centred(test, test_clips, fit_centring(how, learning, learning_clips));
}

}  // namespace

TEST_CASE(
    "translations that look alike are found, through another voice too once it is taken out") {
  TemporaryFolder folder;
  const store::Store store = testing::made_store(folder.path() / "acts", clips());
  const ParallelClips test = parallel_clips(store, true), learning = parallel_clips(store, false);
  CHECK(test.languages == std::vector<std::string>{"aa", "bb", "cc"});
  CHECK(test.prompts.size() == kPrompts);
  CHECK(test.items.size() == 2 * kPrompts + 10);
  CHECK(learning.prompts.size() == 2 * kPrompts);

  const Tensor<float> x = vectors(test, store, 3, 8), past = vectors(learning, store, 3, 8);
  const RetrievalResult through =
      retrieve(ready(x, test, past, learning, Centre::language), test, 199, 0);
  CHECK(through.all.top1.value > 0.95);
  CHECK(through.all.mrr.value > through.all.top1.value - 1e-9);
  CHECK(through.all.matched > through.all.mismatched + 0.5);
  CHECK(through.p == doctest::Approx(1.0 / 200));
  CHECK(through.p_length == doctest::Approx(1.0 / 200));
  REQUIRE(through.pairs.size() == 3);
  CHECK(through.pairs[0].prompts == kPrompts);
  CHECK(through.pairs[1].prompts == 10);
  CHECK(through.pairs[1].chance_top1 == doctest::Approx(0.1));
  CHECK(through.all.top1.n == 2 * (kPrompts + 10 + 10));
  CHECK(through.all.top1.clusters == kPrompts);
}

TEST_CASE("what says nothing finds translations as often as chance") {
  TemporaryFolder folder;
  const store::Store store = testing::made_store(folder.path() / "acts", clips());
  const ParallelClips test = parallel_clips(store, true), learning = parallel_clips(store, false);
  const RetrievalResult none =
      retrieve(ready(vectors(test, store, 0, 8), test, vectors(learning, store, 0, 8), learning,
                     Centre::standard),
               test, 199, 0);
  CHECK(none.all.top1.low <= none.all.chance_top1);
  CHECK(none.all.top1.value < 2.5 * none.all.chance_top1);
  CHECK(none.all.mrr.value == doctest::Approx(none.all.chance_mrr).epsilon(0.35));
  CHECK(none.p > 0.02);
}

TEST_CASE("equal vectors are a tie, and a tie is no hit") {
  TemporaryFolder folder;
  const store::Store store = testing::made_store(folder.path() / "acts", clips());
  const ParallelClips test = parallel_clips(store, true);
  Tensor<float> same(Shape{static_cast<int64_t>(test.items.size()), kD});
  for (int64_t i = 0; i < same.shape()[0]; ++i) same.at(i, 0) = 1;
  const RetrievalResult result = retrieve(same, test, 99, 0);
  CHECK(result.all.top1.value == 0);
  CHECK(result.p == 1);
}

TEST_CASE("centring takes each language's mean, and the deviation where asked") {
  TemporaryFolder folder;
  const store::Store store = testing::made_store(folder.path() / "acts", clips());
  const ParallelClips learning = parallel_clips(store, false);
  const Tensor<float> x = vectors(learning, store, 1, 5);
  const Centring fit = fit_centring(Centre::standard, x, learning);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < learning.items.size(); ++i) {
    const double z =
        (x.at(static_cast<int64_t>(i), 3) - fit.mean.at(learning.language[i], 3)) * fit.scale[3];
    sum += z, squares += z * z;
  }
  CHECK(std::fabs(sum) < 1e-3);
  CHECK(squares / static_cast<double>(learning.items.size()) == doctest::Approx(1).epsilon(1e-4));
  const Tensor<float> unit = centred(x, learning, fit);
  double norm = 0;
  for (int64_t j = 0; j < kD; ++j) norm += std::pow(unit.at(0, j), 2);
  CHECK(norm == doctest::Approx(1).epsilon(1e-5));
}

}  // namespace otoscope::features
