#include "otoscope/store/levels.h"

#include <doctest/doctest.h>

#include <cmath>

#include "otoscope/store/writer.h"
#include "store/corpus.h"
#include "support/close.h"

namespace otoscope::store {
namespace {

/// A tone at a level, so many frames of 20 ms.
void tone(std::vector<int16_t>& pcm, int frames, double amplitude) {
  for (int i = 0; i < frames * 320; ++i)
    pcm.push_back(static_cast<int16_t>(
        std::lround(32768 * amplitude * std::sin(2 * M_PI * 300 * i / 16000.0))));
}

}  // namespace

TEST_CASE("speech is what lies less than 35 dB under its clip's loudest, in clips with speech") {
  const testing::TemporaryFolder folder;
  std::vector<int16_t> pcm;
  tone(pcm, 20, .5), tone(pcm, 20, .5 * std::pow(10, -30 / 20.0));
  tone(pcm, 20, .5 * std::pow(10, -45 / 20.0));
  testing::write_wav(folder.path() / "a.wav", pcm);

  Header header;
  header.site = "encoder.out", header.model_name = "made", header.model_hash = "made";
  header.d = 2, header.dtype = "f32";
  std::vector<Item> items;
  std::vector<RowOrigin> origins;
  for (const char* id : {"speech", "music", "lost", "train"}) {
    Item item;
    item.id = id;
    item.path = (folder.path() / (item.id == "lost" ? "none.wav" : "a.wav")).string();
    item.split = item.id == "train" ? "train" : "test";
    item.cluster = id;
    item.speech = item.id != "music";
    item.first_row = static_cast<int64_t>(origins.size());
    item.n_rows = 60;
    for (int32_t t = 0; t < 60; ++t)
      origins.push_back({static_cast<int32_t>(items.size()), t, 0, static_cast<int16_t>(t)});
    items.push_back(item);
  }
  Tensor<float> x(Shape{240, 2});
  write_store(folder.path() / "s", header, items, origins, x.view());
  const Store store = Store::open(folder.path() / "s");

  struct Counting : Progress {
    int64_t total = 0, done = 0;
    void start(std::string_view, int64_t of, std::string_view) override { total = of; }
    void advance(int64_t at, std::string_view) override { done = at; }
    void finish() override {}
    void note(std::string_view) override {}
  } progress;
  const RowLevels levels = row_levels(store, Split::test, progress);
  CHECK(progress.total == 3);  // the split's own clips
  CHECK(progress.done == 3);
  REQUIRE(levels.db.size() == 240);
  CHECK(levels.db[10] == doctest::Approx(-9.03).epsilon(.01));
  CHECK(levels.db[30] == doctest::Approx(-39.03).epsilon(.01));
  CHECK(levels.silent[30] == 0);
  CHECK(levels.silent[50] == 1);
  CHECK(levels.silent[60 + 50] == 1);
  CHECK(std::isnan(levels.db[120]));  // its audio is gone
  CHECK(std::isnan(levels.db[180]));  // of another split

  const std::vector<int64_t> speech = speech_among(store, Split::test, silent_progress());
  REQUIRE(speech.size() == 41);  // the frame on the border holds half of the louder tone
  CHECK(speech.front() == 0);
  CHECK(speech.back() == 40);
  // Positions count the split's own rows: the train clip is the last of the store.
  CHECK(speech_among(store, Split::train, silent_progress()) == speech);
}

}  // namespace otoscope::store
