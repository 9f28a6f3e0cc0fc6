#include "otoscope/store/extract.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/mel.h"
#include "otoscope/core/half.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/store/store.h"
#include "store/corpus.h"
#include "support/errors.h"

using namespace otoscope;
using testing::corpus;
using testing::error_of;
using testing::nano;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kWindow = 32000;  // nano hears 2 s

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
model::Site site(const char* name) { return model::find_site(nano().dims(), name); }

store::ExtractReport run(const std::vector<store::Clip>& clips, const fs::path& out,
                         const store::ExtractOptions& options = {},
                         std::vector<model::Site> sites = {site("encoder.out")}) {
  return store::extract(nano(), "whisper-nano", sites, clips, options, out, silent_progress());
}
Tensor<float> all_rows(const store::Store& opened) {
  Tensor<float> x({opened.rows(), opened.d()});
  opened.read(0, x.view());
  return x;
}
/// The rows of one item, in order of frames.
Tensor<float> rows_of(const store::Store& opened, const std::string& id) {
  for (const store::Item& item : opened.items()) {
    if (item.id != id) continue;
    Tensor<float> x({item.n_rows, opened.d()});
    opened.read(item.first_row, x.view());
    return x;
  }
  return {};
}

}  // namespace

TEST_CASE("a clip's rows are the encoder's valid frames of its window") {
  const testing::TemporaryFolder folder;
  const auto clips = corpus(folder.path(), {16000, 1, 31999});
  const auto report = run(clips, folder.path() / "out", {.store = "f32"});
  CHECK(report.rows == 50 + 1 + 100);
  CHECK(report.windows == 3);
  CHECK(!report.reused);
  const auto opened = store::Store::open(folder.path() / "out" / "encoder.out");
  CHECK(opened.model_hash() == nano().hash());
  CHECK(opened.model_name() == "whisper-nano");
  CHECK(!opened.packed());
  CHECK_NOTHROW(opened.verify());
  for (const store::Clip& clip : clips) {
    const auto pcm = audio::decode_file(clip.path);
    Tensor<float> mel = audio::log_mel_window(pcm, 80, audio::Padding::waveform_zero, 200);
    mel.reshape({1, 200, 80});
    const auto encoded = nano().encode(mel.view());
    const auto got = rows_of(opened, clip.id);
    const auto frames = static_cast<int64_t>((pcm.size() + 319) / 320);
    REQUIRE(got.shape() == Shape{frames, 128});
    // another batch of the same products: equal within rounding
    CHECK_CLOSE(got.view(), encoded.view().sub(0).slice(0, frames), 1e-5);
  }
  for (int64_t row = 0; row < opened.rows(); ++row) {
    const auto origin = opened.origin(row);
    CHECK(origin.position == origin.frame);
    CHECK(origin.window == origin.item);
  }
  const store::Item& item = opened.items()[0];
  CHECK(item.id == "clip0");
  CHECK(item.language == "fr");
  CHECK(item.text == "text 0");
  CHECK(item.duration_s == 1.0);
  CHECK(item.cluster == "clip0");
  CHECK(!item.split.empty());
}

TEST_CASE("sites share rows and their order, in one pass or in several") {
  const testing::TemporaryFolder folder;
  const auto clips = corpus(folder.path(), {16000, 9000, 4000, 20000, 700});
  const std::vector<model::Site> sites = {site("encoder.out"), site("encoder.blocks.0.resid_post"),
                                          site("encoder.blocks.1.mlp_post"),
                                          site("encoder.blocks.0.resid_post")};
  run(clips, folder.path() / "one", {.pack = true}, sites);
  for (const model::Site& one : sites) run(clips, folder.path() / "many", {.pack = true}, {one});
  const auto out = store::Store::open(folder.path() / "one" / "encoder.out");
  for (const model::Site& one : sites) {
    const std::string name = model::site_name(one);
    const auto a = store::Store::open(folder.path() / "one" / name);
    const auto b = store::Store::open(folder.path() / "many" / name);
    CHECK(a.site() == name);
    CHECK(a.hash() == b.hash());
    CHECK(a.d() == model::site_width(nano().dims(), one));
    REQUIRE(a.rows() == out.rows());
    for (int64_t row = 0; row < a.rows(); ++row) {
      CHECK(a.origin(row).item == out.origin(row).item);
      CHECK(a.origin(row).frame == out.origin(row).frame);
    }
  }
}

TEST_CASE("packed windows hold clips of one language and split, apart, and say where") {
  const testing::TemporaryFolder folder;
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 40; ++i) lengths.push_back(500 + 290 * i);
  const auto clips = corpus(folder.path(), lengths);
  const auto report = run(clips, folder.path() / "out", {.pack = true});
  CHECK(report.windows < 30);
  const auto opened = store::Store::open(folder.path() / "out" / "encoder.out");
  CHECK(opened.packed());
  std::map<int32_t, std::map<int, int32_t>> by_window;  // window -> position -> item
  std::map<int32_t, std::set<std::string>> kinds;
  for (int64_t row = 0; row < opened.rows(); ++row) {
    const auto origin = opened.origin(row);
    CHECK(by_window[origin.window].emplace(origin.position, origin.item).second);
    const auto& item = opened.items()[static_cast<size_t>(origin.item)];
    kinds[origin.window].insert(item.language + item.split);
    CHECK(row == item.first_row + origin.frame);
  }
  int shared = 0;
  for (const auto& [window, places] : by_window) {
    CHECK(kinds[window].size() == 1);
    int last = -100;
    int32_t item = -1;
    for (const auto& [position, here] : places) {
      if (item >= 0 && here != item) {
        CHECK(position - last > 15);  // 0.3 s
        ++shared;
      }
      last = position;
      item = here;
    }
  }
  CHECK(shared > 5);
  for (size_t i = 0; i < clips.size(); ++i)
    CHECK(rows_of(opened, clips[i].id).shape()[0] == (lengths[i] + 319) / 320);
}

TEST_CASE("recordings longer than a window become consecutive windows") {
  const testing::TemporaryFolder folder;
  const auto clips = corpus(folder.path(), {5000, 3 * kWindow + 7000, 2 * kWindow, 4000});
  for (const bool packed : {false, true}) {
    const auto out = folder.path() / (packed ? "packed" : "alone");
    run(clips, out, {.pack = packed, .store = "f32", .batch = 2});
    const auto opened = store::Store::open(out / "encoder.out");
    const auto pcm = audio::decode_file(clips[1].path);
    const auto got = rows_of(opened, "clip1");
    REQUIRE(got.shape()[0] == 322);
    Tensor<float> mel = audio::log_mel_window(std::span(pcm).subspan(kWindow, kWindow), 80,
                                              audio::Padding::waveform_zero, 200);
    mel.reshape({1, 200, 80});
    const auto second = nano().encode(mel.view());
    CHECK_CLOSE(got.view().slice(100, 200), second.view().sub(0), 1e-5);
    for (const store::Item& item : opened.items())
      for (int64_t f = 0; f < item.n_rows; ++f) {
        const auto origin = opened.origin(item.first_row + f);
        CHECK(origin.frame == f);
        if (f > 0) {
          const auto before = opened.origin(item.first_row + f - 1);
          CHECK(origin.window - before.window == (f % 100 == 0 ? 1 : 0));
        }
      }
  }
}

TEST_CASE("the size of a batch changes no more than rounding") {
  const testing::TemporaryFolder folder;
  const auto clips = corpus(folder.path(), {16000, 9000, 30000, 20000, 700, 25000, 1000});
  run(clips, folder.path() / "1", {.store = "f32", .batch = 1});
  const auto one = all_rows(store::Store::open(folder.path() / "1" / "encoder.out"));
  for (const int batch : {2, 3, 100}) {
    const auto out = folder.path() / std::to_string(batch);
    run(clips, out, {.store = "f32", .batch = batch});
    const auto other = all_rows(store::Store::open(out / "encoder.out"));
    CHECK_CLOSE(other.view(), one.view(), 1e-5);
  }
}

TEST_CASE("f16 rows are the f32 rows rounded") {
  const testing::TemporaryFolder folder;
  const auto clips = corpus(folder.path(), {16000, 9000});
  run(clips, folder.path() / "f32", {.store = "f32"});
  run(clips, folder.path() / "f16");
  auto want = all_rows(store::Store::open(folder.path() / "f32" / "encoder.out"));
  const auto got = all_rows(store::Store::open(folder.path() / "f16" / "encoder.out"));
  for (int64_t i = 0; i < want.size(); ++i) want[i] = to_float(to_f16(want[i]));
  CHECK_CLOSE(got.view(), want.view(), 0);
}

TEST_CASE("no clips, empty clips and silence") {
  const testing::TemporaryFolder folder;
  CHECK(run({}, folder.path() / "none").rows == 0);
  CHECK(store::Store::open(folder.path() / "none" / "encoder.out").items().empty());

  auto clips = corpus(folder.path(), {16000, 16000, 16000});
  testing::write_wav(clips[1].path, std::vector<int16_t>(16000));  // silence
  clips[2].duration_s = 0;
  for (const bool packed : {false, true}) {
    const auto out = folder.path() / (packed ? "packed" : "alone");
    CHECK(run(clips, out, {.pack = packed}).rows == 100);
    const auto opened = store::Store::open(out / "encoder.out");
    REQUIRE(opened.items().size() == 3);
    CHECK(opened.items()[2].id == "clip2");
    CHECK(opened.items()[2].n_rows == 0);
    CHECK(rows_of(opened, "clip1").shape()[0] == 50);
  }
}

TEST_CASE("a shifted clip lies later in its window, frames keep their numbers") {
  const testing::TemporaryFolder folder;
  const auto clips = corpus(folder.path(), {16000, 31000});
  run(clips, folder.path() / "out", {.shift_ms = 500});
  const auto opened = store::Store::open(folder.path() / "out" / "encoder.out");
  CHECK(opened.origin(0).position == 25);
  CHECK(opened.origin(0).frame == 0);
  CHECK(opened.origin(50).position == 3);  // as late as 97 frames fit into 100
  CHECK(opened.rows() == 50 + 97);
}

TEST_CASE(
    "a split, and the first clips of it by hash, are chosen without losing the clusters' rule") {
  const testing::TemporaryFolder folder;
  auto clips = corpus(folder.path(), std::vector<int64_t>(12, 3200));
  for (size_t i = 0; i < clips.size(); ++i) {
    clips[i].speaker = "speaker" + std::to_string(i);
    clips[i].split = i < 7 ? "test" : "train";
  }
  const auto chosen = store::selected(clips, {.split = "test", .limit = 3});
  REQUIRE(chosen.size() == 3);
  uint64_t largest = 0;
  for (const store::Clip& clip : chosen) {
    CHECK(clip.split == "test");
    largest = std::max(largest, name_hash(clip.id));
  }
  int before = 0;
  for (size_t i = 0; i < 7; ++i) before += name_hash(clips[i].id) <= largest ? 1 : 0;
  CHECK(before == 3);
  CHECK(store::selected(clips, {.split = "test"}).size() == 7);
  CHECK(store::selected(clips, {.limit = 100}).size() == 12);

  run(clips, folder.path() / "out", {.split = "test", .limit = 3});
  const auto opened = store::Store::open(folder.path() / "out" / "encoder.out");
  CHECK(opened.items().size() == 3);
  CHECK(opened.clusters_by_speaker());  // three speakers here, twelve in the corpus
  CHECK(opened.items()[0].cluster == opened.items()[0].speaker);
  CHECK(opened.statistics().split == "all");
}

TEST_CASE("offset and duration cut a clip from its file") {
  const testing::TemporaryFolder folder;
  auto clips = corpus(folder.path(), {32000});
  clips.push_back(clips[0]);
  clips[1].id = "part";
  clips[1].offset_s = 0.5;
  clips[1].duration_s = 0.4;
  CHECK(run(clips, folder.path() / "out").rows == 120);
  clips[1].offset_s = 3;
  CHECK(has(error_of([&] { run(clips, folder.path() / "late"); }), "a file that ends before"));
}

TEST_CASE("a finished store is used again at once, another request is refused") {
  const testing::TemporaryFolder folder;
  auto clips = corpus(folder.path(), {16000, 9000});
  const auto out = folder.path() / "out";
  const auto first = run(clips, out);
  const std::string before = testing::hash_of_tree(out);
  fs::remove(clips[0].path);
  testing::write_wav(clips[0].path, std::vector<int16_t>(16000));  // same size, never read
  const auto second = run(clips, out);
  CHECK(second.reused);
  CHECK(second.rows == first.rows);
  CHECK(second.windows == first.windows);
  CHECK(second.audio_s == first.audio_s);
  CHECK(testing::hash_of_tree(out) == before);
  CHECK(has(error_of([&] { run(clips, out, {.pack = true}); }),
            "expected a store with pack=true, got one with pack=false"));
  CHECK(has(error_of([&] { run(clips, out, {.store = "f32"}); }), "store=f32"));
  CHECK(has(error_of([&] { run(clips, out, {.shift_ms = 20}); }), "shift-ms=20"));
  clips[1].text = "other";
  CHECK(has(error_of([&] { run(clips, out); }), "clips="));
  CHECK(testing::hash_of_tree(out) == before);
}

TEST_CASE("what cannot be extracted is refused before anything is written") {
  const testing::TemporaryFolder folder;
  const auto clips = corpus(folder.path(), {16000});
  const auto out = folder.path() / "out";
  const auto refused = [&](std::vector<model::Site> sites) {
    return error_of([&] { run(clips, out, {}, sites); });
  };
  CHECK(has(refused({}), "at least one site"));
  CHECK(has(refused({site("encoder.blocks.0.attn_pattern")}), "one row a frame"));
  CHECK(has(refused({site("encoder.mel")}), "20 ms frames"));
  CHECK(!fs::exists(out));
  auto broken = clips;
  io::write_file(folder.path() / "broken.wav", "not audio at all");
  broken[0].path = folder.path() / "broken.wav";
  CHECK(has(error_of([&] { run(broken, out); }), "broken.wav"));
  CHECK(!fs::exists(out / "encoder.out"));
}

TEST_CASE("ctrl-C stops between batches, and the next run goes on to the same bytes") {
  const testing::TemporaryFolder folder;
  const auto clips = corpus(folder.path(), std::vector<int64_t>(60, 32000));
  const store::ExtractOptions options{.store = "f32", .batch = 2, .shard_mb = 1};
  run(clips, folder.path() / "whole", options);

  struct StopAt : Progress {
    void start(std::string_view task, int64_t, std::string_view) override {
      extracting = task == "extracting";
    }
    void advance(int64_t done, std::string_view) override {
      if (extracting && done >= 50) request_interrupt();
    }
    void finish() override {}
    void note(std::string_view) override {}
    bool extracting = false;
  } stop;
  clear_interrupt();
  CHECK_THROWS_AS(store::extract(nano(), "whisper-nano", {site("encoder.out")}, clips, options,
                                 folder.path() / "out", stop),
                  Interrupted);
  clear_interrupt();
  CHECK(fs::exists(folder.path() / "out" / "encoder.out" / "shard-00000.safetensors"));
  CHECK(!fs::exists(folder.path() / "out" / "encoder.out" / "index.json"));
  // the rest with a second site, which has to start from the beginning
  run(clips, folder.path() / "out", options,
      {site("encoder.out"), site("encoder.blocks.0.resid_post")});
  run(clips, folder.path() / "whole", options, {site("encoder.blocks.0.resid_post")});
  CHECK(testing::hash_of_tree(folder.path() / "out") ==
        testing::hash_of_tree(folder.path() / "whole"));
}
