/// Rows of the decoder: what is forced, which positions are kept, and what cannot be.

#include <doctest/doctest.h>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/mel.h"
#include "otoscope/io/json.h"
#include "otoscope/model/decode.h"
#include "otoscope/store/extract.h"
#include "otoscope/store/store.h"
#include "store/corpus.h"
#include "support/errors.h"

#include <nlohmann/json.hpp>

using namespace otoscope;
using testing::corpus;
using testing::error_of;
using testing::nano;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
model::Site site(const char* name) { return model::find_site(nano().dims(), name); }

store::ExtractReport run(const std::vector<store::Clip>& clips, const fs::path& out,
                         const store::ExtractOptions& options = {.store = "f32"},
                         std::vector<model::Site> sites = {site("decoder.out")}) {
  return store::extract(nano(), "whisper-nano", sites, clips, options, out, silent_progress());
}

/// Texts of different length, so that batches are padded.
std::vector<store::Clip> texted(const fs::path& folder) {
  auto clips = corpus(folder, {16000, 9000, 31999, 20000, 700});
  const char* texts[] = {"the other one and on", "it", "  you and I are in the other ", "a",
                         "there"};
  for (size_t i = 0; i < clips.size(); ++i) clips[i].text = texts[i];
  return clips;
}

/// Names of the stages that were begun.
class NamedStages final : public Progress {
 public:
  explicit NamedStages(std::vector<std::string>& names) : names_(names) {}
  void start(std::string_view what, int64_t, std::string_view) override {
    names_.emplace_back(what);
  }
  void advance(int64_t, std::string_view) override {}
  void finish() override {}
  void note(std::string_view) override {}

 private:
  std::vector<std::string>& names_;
};

}  // namespace

TEST_CASE("a clip's rows are the positions of its forced text that predict something") {
  const testing::TemporaryFolder folder;
  const auto clips = texted(folder.path());
  const std::vector<model::Site> sites = {site("decoder.blocks.0.resid_post"),
                                          site("decoder.blocks.1.cross_attn_out"),
                                          site("decoder.out")};
  const auto report = run(clips, folder.path() / "out", {.store = "f32", .batch = 3}, sites);
  const auto tokenizer = model::load_tokenizer(nano());
  CHECK(report.windows == 5);
  CHECK(report.clips == 5);
  for (const model::Site& one : sites) {
    const auto opened = store::Store::open(folder.path() / "out" / model::site_name(one));
    CHECK_NOTHROW(opened.verify());
    CHECK(opened.unit() == "token");
    CHECK(opened.context() == "sot, language, transcribe, no_timestamps, reference text, eot");
    REQUIRE(opened.rows() == report.rows);
    REQUIRE(opened.items().size() == clips.size());
    for (size_t i = 0; i < clips.size(); ++i) {
      // One clip alone, its own tokens alone.
      const auto pcm = audio::decode_file(clips[i].path);
      Tensor<float> mel = audio::log_mel_window(pcm, 80, audio::Padding::waveform_zero, 200);
      mel.reshape({1, 200, 80});
      const auto tokens = model::forced_tokens(tokenizer, clips[i].language, *clips[i].text);
      model::Recorder recorder({one});
      model::Hook* const hooks[] = {&recorder};
      const auto n = static_cast<int64_t>(tokens.size());
      nano().decode_forced(nano().encode(mel), View<const int64_t>(tokens.data(), {1, n}), {},
                           hooks);
      const store::Item& item = opened.items()[i];
      CHECK(item.id == clips[i].id);
      REQUIRE(item.n_rows == n - 1 - 3);  // not sot, language, task, and not eot
      Tensor<float> got({item.n_rows, opened.d()});
      opened.read(item.first_row, got.view());
      CHECK_CLOSE(got.view(), recorder.last(one).view().sub(0).slice(3, n - 1), 1e-5);
      for (int64_t r = 0; r < item.n_rows; ++r) {
        const auto origin = opened.origin(item.first_row + r);
        CHECK(origin.item == static_cast<int32_t>(i));
        CHECK(origin.frame == 3 + r);
        CHECK(origin.token == tokens[static_cast<size_t>(3 + r)]);
      }
      CHECK(opened.origin(item.first_row).token == tokenizer.special().no_timestamps);
    }
  }
  const auto again = run(clips, folder.path() / "out", {.store = "f32", .batch = 3}, sites);
  CHECK(again.reused);
  CHECK(again.windows == 5);
  CHECK(again.rows == report.rows);
}

TEST_CASE("forced with what the model writes itself, all positions but the end are rows") {
  const testing::TemporaryFolder folder;
  auto clips = corpus(folder.path(), {16000, 9000, 31999});
  for (store::Clip& clip : clips) clip.text.reset();
  clips[1].language.clear();  // a sound: heard as English
  clips[1].speech = false;
  const store::ExtractOptions options{.store = "f32", .batch = 2, .forced = "own"};
  const auto report = run(clips, folder.path() / "out", options);
  const auto opened = store::Store::open(folder.path() / "out" / "decoder.out");
  CHECK(opened.context().find("what the model writes") != std::string::npos);
  CHECK(opened.rows() == report.rows);
  const auto tokenizer = model::load_tokenizer(nano());
  for (size_t i = 0; i < clips.size(); ++i) {
    Tensor<float> mel = audio::log_mel_window(audio::decode_file(clips[i].path), 80,
                                              audio::Padding::waveform_zero, 200);
    mel.reshape({1, 200, 80});
    const Tensor<float> heard = nano().encode(mel);
    model::DecodeOptions decoding;
    decoding.sample_len = 64;
    decoding.languages = {i == 1 ? "en" : clips[i].language};
    const auto written = model::decode(nano(), tokenizer, heard, decoding)[0].tokens;
    auto tokens = tokenizer.sot_sequence(decoding.languages[0]);
    tokens.insert(tokens.end(), written.begin(), written.end());
    tokens.resize(std::min<size_t>(tokens.size(), 63));  // the end needs a place in its context
    model::Recorder recorder({site("decoder.out")});
    model::Hook* const hooks[] = {&recorder};
    nano().decode_forced(
        heard, View<const int64_t>(tokens.data(), {1, static_cast<int64_t>(tokens.size())}), {},
        hooks);
    const store::Item& item = opened.items()[i];
    REQUIRE(item.n_rows == static_cast<int64_t>(tokens.size()));
    Tensor<float> got({item.n_rows, opened.d()});
    opened.read(item.first_row, got.view());
    CHECK_CLOSE(got.view(), recorder.last(site("decoder.out")).view().sub(0), 1e-5);
    CHECK(opened.origin(item.first_row).token == tokenizer.special().sot);
  }

  // A finished store is known by the model and the clips, without hearing them again.
  std::vector<std::string> told;
  NamedStages stages(told);
  const auto again = [&] {
    return store::extract(nano(), "whisper-nano", {site("decoder.out")}, clips, options,
                          folder.path() / "out", stages);
  };
  const auto reused = again();
  CHECK(reused.reused);
  CHECK(reused.rows == report.rows);
  CHECK(told.empty());
  clips[1].language = "es";
  CHECK(has(error_of(again), "expected a store with clips="));
  CHECK(told.empty());
}

TEST_CASE("sites of the decoder may come one by one, and statistics are of train rows") {
  const testing::TemporaryFolder folder;
  auto clips = texted(folder.path());
  for (size_t i = 0; i < clips.size(); ++i) clips[i].split = i < 3 ? "train" : "test";
  const std::vector<model::Site> sites = {site("decoder.out"), site("decoder.embed")};
  run(clips, folder.path() / "one", {}, sites);
  for (const model::Site& one : sites) run(clips, folder.path() / "many", {}, {one});
  CHECK(testing::hash_of_tree(folder.path() / "one") ==
        testing::hash_of_tree(folder.path() / "many"));
  const auto opened = store::Store::open(folder.path() / "one" / "decoder.out");
  const auto rows = opened.rows_of(store::Split::train);
  CHECK(opened.statistics().split == "train");
  CHECK(opened.statistics().rows == static_cast<int64_t>(rows.size()));
  Tensor<float> x({static_cast<int64_t>(rows.size()), opened.d()});
  opened.gather(rows, x.view());
  double mean = 0;
  for (int64_t i = 0; i < x.shape()[0]; ++i) mean += x.at(i, 5);
  CHECK(opened.statistics().mean[5] ==
        doctest::Approx(mean / static_cast<double>(rows.size())).epsilon(1e-5));
}

TEST_CASE("another text is another store") {
  const testing::TemporaryFolder folder;
  auto clips = texted(folder.path());
  run(clips, folder.path() / "out");
  clips[1].text = "is";
  CHECK(has(error_of([&] { run(clips, folder.path() / "out"); }), "clips="));
}

TEST_CASE("what the decoder cannot be forced with is refused before anything is written") {
  const testing::TemporaryFolder folder;
  const auto good = texted(folder.path());
  const auto out = folder.path() / "out";
  auto clips = good;
  clips[1].text.reset();
  clips[3].text = "  ";
  CHECK(
      error_of([&] { run(clips, out); }) ==
      "[clip1] expected clips with a text for decoder sites, got 2 clips that are otherwise, this "
      "is the first. Hint: --with-text leaves the others out.");
  clips = good;
  clips[2].language = "xx";
  CHECK(has(error_of([&] { run(clips, out); }), "[clip2] expected clips in a language"));
  clips = good;
  clips[4].text = std::string(300, 'x');
  CHECK(has(error_of([&] { run(clips, out); }), "[clip4] expected texts that fit the decoder"));
  CHECK(has(error_of([&] { run(good, out, {.pack = true}); }), "[--pack]"));
  CHECK(has(error_of([&] {
              run(good, out, {}, {site("decoder.out"), site("encoder.out")});
            }),
            "got both"));
  CHECK(has(error_of([&] { run(good, out, {}, {site("decoder.blocks.0.cross_k")}); }),
            "one row a frame or token"));
  clips = good;
  testing::write_wav(folder.path() / "long.wav", testing::sound(40000, 9));
  clips[0].path = folder.path() / "long.wav";
  CHECK(has(error_of([&] { run(clips, out); }), "expected clips of at most 2 s"));
  CHECK(has(error_of([&] { run({}, out); }), "got none"));
  CHECK(!fs::exists(out / "decoder.out"));
}
