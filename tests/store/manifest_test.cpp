#include "otoscope/store/manifest.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <string_view>

#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using testing::error_of;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
store::Manifest read(const std::string& text) {
  static const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "manifest.jsonl", text);
  return store::read_manifest(folder.path() / "manifest.jsonl");
}
std::string refusal(const std::string& text) {
  return error_of([&] { read(text); });
}
store::Clip clip(const std::string& path, const std::string& speaker,
                 const std::string& prompt = "") {
  store::Clip made;
  made.path = path;
  made.speaker = speaker;
  made.prompt_id = prompt;
  return made;
}

}  // namespace

TEST_CASE("a source of sounds is in one split, two of five times in the one that is tested on") {
  std::map<std::string_view, int> splits;
  for (int i = 0; i < 5000; ++i) ++splits[store::split_of_sound("source" + std::to_string(i))];
  // Four standard errors of a share of .4 and of .2.
  CHECK(std::abs(splits["train"] - 2000) < 140);
  CHECK(std::abs(splits["dev"] - 1000) < 114);
  CHECK(std::abs(splits["test"] - 2000) < 140);
  CHECK(store::split_of_sound("rain") == store::split_of_sound("rain"));
}

TEST_CASE("a manifest's keys become a clip's fields") {
  const auto manifest = read(
      R"({"audio_filepath": "audio/a.flac", "duration": 3.075, "text": "", "language": "en",)"
      R"( "speaker": 84, "gender": "f", "split": "validation", "prompt_id": "p", "source": "s",)"
      R"( "kind": "k", "sound": "n", "license": "CC0", "speech": false, "age": 30, "x": [1]})"
      "\n\n  \r\n"
      R"({"audio_filepath": "/abs/b.wav", "offset": 1.5, "text": null, "lang": "fr", "id": "B"})");
  REQUIRE(manifest.clips.size() == 2);
  const store::Clip& a = manifest.clips[0];
  CHECK(a.path.is_absolute());
  CHECK(a.path.filename() == "a.flac");
  CHECK(a.path.parent_path().parent_path() == manifest.path.parent_path());
  CHECK(a.duration_s == 3.075);
  CHECK(a.offset_s == 0.0);
  CHECK(a.text == "");
  CHECK(a.id == "audio/a");
  CHECK(a.language == "en");
  CHECK(a.speaker == "84");
  CHECK(a.gender == "f");
  CHECK(a.split == "dev");
  CHECK(a.prompt_id == "p");
  CHECK(a.source == "s");
  CHECK(a.kind == "k");
  CHECK(a.sound == "n");
  CHECK(a.licence == "CC0");
  CHECK(!a.speech);
  const store::Clip& b = manifest.clips[1];
  CHECK(b.path == "/abs/b.wav");
  CHECK(b.offset_s == 1.5);
  CHECK(b.duration_s == -1.0);
  CHECK(!b.text.has_value());
  CHECK(b.id == "B");
  CHECK(b.language == "fr");
  CHECK(b.speech);
}

TEST_CASE("pieces of one file get ids of their own") {
  const auto manifest = read(R"({"audio_filepath": "a.wav", "offset": 0, "duration": 1})"
                             "\n"
                             R"({"audio_filepath": "a.wav", "offset": 1, "duration": 1})");
  CHECK(manifest.clips[0].id == "a");
  CHECK(manifest.clips[1].id == "a@1.000");
}

TEST_CASE("a broken line is named by its number") {
  const std::string good = "{\"audio_filepath\": \"a.wav\"}\n";
  const auto at_line_2 = [&](const std::string& line) {
    const std::string message = refusal(good + line);
    CHECK(has(message, "manifest.jsonl:2] "));
    return message;
  };
  CHECK(has(at_line_2("{\"audio_filepath\": "), "expected JSON"));
  CHECK(has(at_line_2("[]"), "expected an object, got array"));
  CHECK(has(at_line_2("{}"), "expected the key audio_filepath"));
  CHECK(has(at_line_2(R"({"audio_filepath": ""})"), "expected the key audio_filepath"));
  CHECK(has(at_line_2(R"({"audio_filepath": ["b"]})"), "expected a text at audio_filepath"));
  CHECK(has(at_line_2(R"({"audio_filepath": "sox x -t wav - |"})"), "a command"));
  CHECK(has(at_line_2(R"({"audio_filepath": "b", "duration": "3"})"), "seconds of at least 0"));
  CHECK(has(at_line_2(R"({"audio_filepath": "b", "offset": -1})"), "seconds of at least 0"));
  CHECK(has(at_line_2(R"({"audio_filepath": "b", "text": 1.5})"), "expected a text at text"));
  CHECK(has(at_line_2(R"({"audio_filepath": "b", "speech": 1})"), "true or false"));
  CHECK(has(at_line_2(R"({"audio_filepath": "b", "split": "all"})"), "train, dev or test"));
  CHECK(has(at_line_2(R"({"audio_filepath": "b", "split": "testing"})"), "got testing"));
  CHECK(has(at_line_2(R"({"audio_filepath": "a.wav"})"), "expected a new id, got a as in line 1"));
  CHECK(has(at_line_2(R"({"audio_filepath": "b", "audio_filepath": "c"})"), "twice"));
  CHECK(has(refusal(good + good), "as in line 1"));
  CHECK(read("").clips.empty());
  CHECK(has(error_of([] { store::read_manifest("/no/such/manifest.jsonl"); }), "cannot open"));
}

TEST_CASE("a corpus may have several splits of a kind") {
  const auto split_named = [](const char* name) {
    return read(R"({"audio_filepath": "a.wav", "split": ")" + std::string(name) + "\"}")
        .clips[0]
        .split;
  };
  CHECK(split_named("test-other") == "test");
  CHECK(split_named("train_clean_100") == "train");
  CHECK(split_named("dev.clean") == "dev");
}

TEST_CASE("clusters are speakers from ten on, else prompts, else files") {
  std::vector<store::Clip> clips;
  for (int i = 0; i < 9; ++i)
    clips.push_back(clip("f" + std::to_string(i), "s" + std::to_string(i), "p"));
  CHECK(!store::clusters_by_speaker(clips));
  CHECK(store::cluster_of(clips[0], false) == "p");
  clips.push_back(clip("g", "s9"));
  CHECK(store::clusters_by_speaker(clips));
  CHECK(store::cluster_of(clips[0], true) == "s0");
  CHECK(store::cluster_of(clips[9], false) == "g");
  CHECK(store::cluster_of(clip("g", ""), true) == "g");
}

TEST_CASE("splits follow the hash of the cluster, a stated split wins") {
  std::vector<store::Clip> clips;
  for (int i = 0; i < 1000; ++i)
    for (const char* language : {"en", "fr"}) {
      clips.push_back(clip("f", "", "prompt " + std::to_string(i)));
      clips.back().language = language;
    }
  clips[0].split = "test";
  store::assign_splits(clips);
  CHECK(clips[0].split == "test");
  std::map<std::string, int> counts;
  for (size_t i = 2; i < clips.size(); ++i) {
    ++counts[clips[i].split];
    // the same prompt in two languages is on one side
    if (i % 2 == 1) CHECK(clips[i].split == clips[i - 1].split);
    const uint64_t tenth =
        std::stoull(io::sha256(clips[i].prompt_id).substr(0, 16), nullptr, 16) % 10;
    CHECK(clips[i].split == (tenth < 8 ? "train" : tenth == 8 ? "dev" : "test"));
  }
  // 1998 draws at .8/.1/.1: five standard deviations are 90 and 67
  CHECK(std::abs(counts["train"] - 1598) < 90);
  CHECK(std::abs(counts["dev"] - 200) < 67);
  CHECK(std::abs(counts["test"] - 200) < 67);
}
