#include "otoscope/features/crosslingual.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "features/made_store.h"
#include "features/translations.h"
#include "otoscope/core/rng.h"
#include "otoscope/features/describe.h"
#include "otoscope/io/sqlite.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::features {
namespace {

using otoscope::testing::error_of;
using otoscope::testing::TemporaryFolder;

constexpr int64_t kWidth = 40;
constexpr int kPrompts = 60;

/// Axis p % 30 says which prompt it is, in both languages; axis 30 + phone says the phone, the same
/// in both; axis 36 fires in aa alone; 37 fires on phone 0 in aa and on phone 1 in bb;
/// 38 in every second prompt, in both languages.
struct Corpus {
  std::vector<testing::MadeClip> clips;
  std::vector<audio::ClipLabels> labels;
};

Corpus corpus() {
  Corpus out;
  for (int p = 0; p < kPrompts; ++p)
    for (const char* language : {"aa", "bb"}) {
      const bool first = language[0] == 'a';
      testing::MadeClip clip;
      clip.id = language + std::to_string(p);
      clip.language = language;
      clip.prompt = "p" + std::to_string(100 + p);
      clip.split = p < 30 ? "test" : p < 55 ? "train" : "dev";
      const int64_t n = 40 + p % 5;
      clip.x = Tensor<float>(Shape{n, kWidth});
      audio::ClipLabels labelled{clip.id, 0.02 * static_cast<double>(n), {}};
      audio::Track track;
      track.kind = audio::LabelKind::phone;
      track.known_to = labelled.duration_s;
      Rng rng(static_cast<uint64_t>(p), clip.id);
      for (int64_t t = 0; t < n; ++t) {
        const auto phone = static_cast<int64_t>(rng.below(5));
        const double start = 0.02 * static_cast<double>(t) - 0.01;
        track.labels.push_back(
            {std::max(0.0, start), start + 0.02, std::string(1, char('m' + phone))});
        clip.x.at(t, 30 + phone) = 1;
        if (t % 4 == 0) clip.x.at(t, p % 30) = 2;
        if (first && t % 3 == 0) clip.x.at(t, 36) = 1;
        if (phone == (first ? 0 : 1)) clip.x.at(t, 37) = 1;
        if (p % 2 == 0 && t % 7 == 0) clip.x.at(t, 38) = 1;
      }
      labelled.tracks.push_back(track);
      out.clips.push_back(std::move(clip));
      out.labels.push_back(std::move(labelled));
    }
  return out;
}

sae::Sae axes() {
  std::vector<int> all;
  for (int i = 0; i < kWidth; ++i) all.push_back(i);
  return testing::made_sae(testing::axis_rows(all, kWidth));
}

const RepresentationResult& chosen(const Crosslingual& result, const std::string& what) {
  for (const auto& one : result.retrieval)
    if (one.what == what && one.chosen) return one;
  FAIL("no ", what);
  return result.retrieval.front();
}

}  // namespace

TEST_CASE("planted: what is shared, what is of one language, and translations that are found") {
  TemporaryFolder folder;
  const Corpus made = corpus();
  const store::Store store = testing::made_store(folder.path() / "acts", made.clips);
  sae::Sae sae = axes();
  sae::save(sae, folder.path() / "sae");
  CrosslingualOptions options;
  options.permutations = 199;
  std::vector<std::string> categories(kWidth);
  for (int f = 0; f < 30; ++f) categories[static_cast<size_t>(f)] = "semantic";
  for (int f = 30; f < 35; ++f) categories[static_cast<size_t>(f)] = "phonetic";
  const Crosslingual result = measure_crosslingual({{"axes", &sae, &store, categories}},
                                                   made.labels, options, silent_progress());

  const SaeCrosslingual& measured = result.saes.at(0);
  REQUIRE(measured.rates.size() == 1);
  CHECK(measured.rates[0].log2_ratio[36] > 4);
  CHECK(std::fabs(measured.rates[0].log2_ratio[30]) < 1);
  CHECK(measured.sharing[0].by_feature[31].across == doctest::Approx(1));
  CHECK(measured.sharing[0].by_feature[37].across == doctest::Approx(0));
  CHECK(measured.precision[31].ratio(0, 1) == doctest::Approx(1));
  CHECK(result.label_values == std::vector<std::string>{"m", "n", "o", "p", "q"});

  // Every test prompt has an axis of its own.
  const RepresentationResult& features = chosen(result, "features");
  CHECK(features.result.all.top1.value == 1);
  CHECK(features.result.all.chance_top1 == doctest::Approx(1.0 / 30));
  CHECK(features.result.p == doctest::Approx(1.0 / 200));
  CHECK(chosen(result, "length").result.all.top1.value < 0.3);
  CHECK(measured.translations.r[38] == doctest::Approx(1).epsilon(0.05));
  CHECK(measured.translations.q[38] <= 0.05f);
  CHECK(measured.translations.significant <= 2);  // nothing else goes with the prompt
  CHECK(std::fabs(measured.translations.chance_r) < 0.1);

  REQUIRE(measured.categories.size() == 2);
  CHECK(measured.categories[0].category == "phonetic");
  CHECK(measured.categories[0].features == 5);
  CHECK(measured.categories[0].search.result.all.top1.value < 0.3);
  CHECK(measured.categories[1].search.result.all.top1.value == 1);

  const auto json = result.json();
  CHECK(json.at("saes").at(0).at("pairs").at(0).at("sharing").at("features") ==
        measured.sharing[0].features);
  CHECK(json.at("languages").at(1).at("language") == "bb");
}

TEST_CASE("the tables hold the indices of each feature, written twice or once") {
  TemporaryFolder folder;
  const Corpus made = corpus();
  const store::Store store = testing::made_store(folder.path() / "acts", made.clips);
  sae::Sae sae = axes();
  sae::save(sae, folder.path() / "sae");
  describe(sae, store, {}, silent_progress());
  CrosslingualOptions options;
  options.permutations = 99;
  const Crosslingual result =
      measure_crosslingual({{"axes", &sae, &store}}, made.labels, options, silent_progress());
  const auto database = folder.path() / "sae" / "features.sqlite";
  write_crosslingual(database, result);
  write_crosslingual(database, result);
  {  // a reader in the middle of its rows would lock writers out
    const io::Database db(database);
    io::Statement row = db.prepare(
        "SELECT a, b, j, log2_rate_ratio, fired_a, s FROM crosslingual WHERE feature = 31");
    REQUIRE(row.step());
    CHECK(row.text(0) == "aa");
    CHECK(row.text(1) == "bb");
    CHECK(row.number(2) == doctest::Approx(1));
    CHECK(row.integer(4) == result.saes[0].rates[0].fired_a[31]);
    CHECK(row.number(5) == doctest::Approx(1));
    io::Statement count = db.prepare("SELECT count(*) FROM translations");
    REQUIRE(count.step());
    CHECK(count.integer(0) == result.saes[0].translations.features);
  }

  CHECK(read_categories(database, kWidth)[2].empty());  // described without labels
  CHECK(read_categories(folder.path() / "no", kWidth).empty());
  io::Database(database, io::Database::Mode::write)
      .execute("INSERT INTO categories (feature, category) VALUES (2, 'semantic')");
  CHECK(read_categories(database, kWidth)[2] == "semantic");
  CHECK(read_categories(database, kWidth)[3].empty());
  CHECK(error_of([&] { read_categories(database, 2); }).find("describe this SAE again") !=
        std::string::npos);
}

TEST_CASE("a prompt in more languages than others makes no correlation over 1") {
  // Prompts in two languages, the last in four: there alone the first feature fires.
  ParallelClips clips;
  clips.languages = {"aa", "bb", "cc", "dd"};
  const size_t prompts = 8;
  for (size_t p = 0; p < prompts; ++p) {
    clips.prompts.push_back("p" + std::to_string(p));
    clips.length_bin.push_back(0);
    for (size_t l = 0; l < 4; ++l) {
      const bool there = l < 2 || p + 1 == prompts || p == 0;
      clips.clip.push_back(there ? static_cast<int32_t>(clips.language.size()) : -1);
      if (there) clips.language.push_back(static_cast<int32_t>(l));
    }
  }
  const auto n = static_cast<int64_t>(clips.language.size());
  Tensor<float> x(Shape{n, 2});
  Rng rng(3, "translations");
  for (int64_t i = 0; i < n; ++i) {
    x.at(i, 0) = i >= n - 4 ? 3.0f + 0.1f * static_cast<float>(i - n) : i % 5 == 0 ? 0.1f : 0.0f;
    x.at(i, 1) = static_cast<float>(std::abs(rng.normal()));
  }
  const Translations found = follow_translations(x, clips, 50, 1);
  REQUIRE(found.features == 2);
  for (int64_t f = 0; f < 2; ++f) {
    std::vector<double> mean(4, 0), count(4, 0);
    for (int64_t i = 0; i < n; ++i) {
      const auto l = static_cast<size_t>(clips.language[static_cast<size_t>(i)]);
      mean[l] += x.at(i, f), count[l] += 1;
    }
    const auto z = [&](int32_t i) {
      const auto l = static_cast<size_t>(clips.language[static_cast<size_t>(i)]);
      return x.at(i, f) - mean[l] / count[l];
    };
    double products = 0, squares = 0;
    for (size_t p = 0; p < prompts; ++p)
      for (size_t a = 0; a < 4; ++a)
        for (size_t b = 0; b < a; ++b)
          if (clips.at(p, a) >= 0 && clips.at(p, b) >= 0) {
            const double za = z(clips.at(p, a)), zb = z(clips.at(p, b));
            products += za * zb, squares += (za * za + zb * zb) / 2;
          }
    const auto j = static_cast<size_t>(f);
    CHECK(found.r[j] == doctest::Approx(products / squares).epsilon(1e-5));
    CHECK(found.r[j] <= 1);
  }
  CHECK(found.r[0] > 0.8);
}

TEST_CASE("a corpus without translations, or labels that hold together, are refused") {
  TemporaryFolder folder;
  Corpus made = corpus();
  const sae::Sae sae = axes();
  CrosslingualOptions options;
  options.permutations = 99;
  const store::Store store = testing::made_store(folder.path() / "acts", made.clips);
  options.kind = "phone_class";
  CHECK(error_of([&] {
          measure_crosslingual({{"axes", &sae, &store}}, made.labels, options, silent_progress());
        }).find("one value at a time") != std::string::npos);
  for (size_t i = 0; i < made.clips.size(); ++i) made.clips[i].prompt = made.clips[i].id;
  const store::Store alone = testing::made_store(folder.path() / "alone", made.clips);
  CHECK(error_of([&] {
          measure_crosslingual({{"axes", &sae, &alone}}, {}, options, silent_progress());
        }).find("expected prompts that the test split has in two languages") != std::string::npos);
}

}  // namespace otoscope::features
