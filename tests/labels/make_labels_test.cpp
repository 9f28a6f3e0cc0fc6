#include "otoscope/labels/make_labels.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "otoscope/audio/label_lines.h"
#include "otoscope/audio/textgrid.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/labels/espeak.h"
#include "otoscope/labels/exchange.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using audio::LabelKind;
using testing::error_of;
namespace fs = std::filesystem;

namespace {

/// One second: 0.3 s of zeros, then a buzz of `hz`.
std::string wav(double hz) {
  std::string bytes(
      "RIFF\x24\x7D\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3E\0\0\0\x7D\0\0\2\0\x10\0data"
      "\0\x7D\0\0",
      44);
  for (int i = 0; i < 16000; ++i) {
    double sample = 0;
    for (int k = 1; k <= 5 && i >= 4800; ++k)
      sample += 3000.0 / k * std::sin(2 * std::numbers::pi * hz * k * i / 16000);
    const auto value = static_cast<int16_t>(sample);
    bytes += static_cast<char>(value & 0xFF);
    bytes += static_cast<char>(value >> 8);
  }
  return bytes;
}

/// Two clips of one speaker, without texts; the second has phones by hand.
fs::path corpus(const fs::path& folder) {
  io::write_file(folder / "low.wav", wav(100));
  io::write_file(folder / "high.wav", wav(200));
  io::write_file(
      folder / "manifest.jsonl",
      R"({"audio_filepath":"low.wav","duration":1,"language":"en","speaker":"s","gender":"m"})"
      "\n"
      R"({"audio_filepath":"high.wav","duration":1,"language":"en","speaker":"s",)"
      R"("phones_timed":[[0,0.3,"sil"],[0.3,0.6,"hh"],[0.6,1,"iy"]],"words_timed":[[0.3,1,"he"]]})"
      "\n");
  return folder / "manifest.jsonl";
}

double known(const audio::ClipLabels& clip, LabelKind kind) {
  double seconds = 0;
  for (const auto& track : clip.tracks)
    if (track.kind == kind) seconds += track.known_to - track.known_from;
  return seconds;
}

}  // namespace

TEST_CASE("labels of a small corpus: stated, measured and derived") {
  const testing::TemporaryFolder folder;
  const auto manifest = corpus(folder.path());
  const fs::path out = folder.path() / "labels";
  const auto summary = labels::make_labels(manifest, out, {});
  CHECK_FALSE(summary.reused);
  CHECK(summary.clips == 2);
  CHECK(summary.seconds == doctest::Approx(2));
  CHECK(summary.unknown_phones == 0);
  const auto clips = audio::read_label_lines(summary.labels);
  REQUIRE(clips.size() == 2);
  CHECK(clips[0].id == "low");
  CHECK(clips[0].find(LabelKind::gender)->labels.at(0).value == "m");
  CHECK(clips[1].find(LabelKind::gender) == nullptr);
  const auto& silence = clips[0].find(LabelKind::silence)->labels;
  REQUIRE(silence.size() == 1);
  CHECK(silence[0].end == doctest::Approx(0.3).epsilon(0.05));
  // Both clips are one speaker's: the buzz of 100 Hz is low and that of 200 Hz is high.
  for (const auto& label : clips[0].find(LabelKind::pitch)->labels) CHECK(label.value != "high");
  for (const auto& label : clips[1].find(LabelKind::pitch)->labels) CHECK(label.value != "low");
  CHECK(known(clips[0], LabelKind::pitch) < 0.75);  // nothing is known where nothing is voiced
  CHECK(known(clips[0], LabelKind::pitch) > 0.6);
  const auto& phones = clips[1].find(LabelKind::phone)->labels;
  REQUIRE(phones.size() == 2);
  CHECK(phones[1].value == "i");
  CHECK(clips[1].find(LabelKind::syllable)->labels.at(0).value == "onset");
  CHECK(clips[1].find(LabelKind::phone_class)->labels.size() > 6);
  CHECK(summary.kinds.at(LabelKind::position).values.at("word start") == 1);
  CHECK(summary.kinds.at(LabelKind::position).values.at("clip start") == 2);

  const auto json = io::read_json(out / "summary.json");
  CHECK(json["schema"] == "otoscope.labels");
  CHECK(json["kinds"]["phone"]["values"]["h"] == 1);
  CHECK(json["labels_sha256"] == io::sha256_file(out / "labels.jsonl"));
}

TEST_CASE("a language that espeak-ng does not speak is left out and counted") {
  if (!labels::espeak_available()) return;
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "a.wav", wav(100));
  io::write_file(folder.path() / "m.jsonl",
                 R"({"audio_filepath":"a.wav","duration":1,"language":"xx","text":"hello"})"
                 "\n");
  const auto summary = labels::make_labels(folder.path() / "m.jsonl", folder.path() / "o", {});
  CHECK(summary.left_out.at("alignment: unknown language") == 1);
  REQUIRE_FALSE(summary.notes.empty());
  CHECK(summary.notes[0].find("[xx] expected a language that espeak-ng speaks") == 0);
  CHECK(summary.kinds.count(LabelKind::phone) == 0);
}

TEST_CASE("sounds are known by the manifest, and speech among them to be none") {
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "a.wav", wav(100));
  const std::string head = R"({"audio_filepath":"a.wav","duration":1,)";
  io::write_file(folder.path() / "m.jsonl", head +
                                                R"("id":"rain","sound":"rain","speech":false})"
                                                "\n" +
                                                head +
                                                R"("id":"drum","kind":"instrument","speech":false})"
                                                "\n" +
                                                head +
                                                R"("id":"speech"})"
                                                "\n" +
                                                head +
                                                R"("id":"noisy","noise_level":"snr 10 dB"})"
                                                "\n");
  const auto summary = labels::make_labels(folder.path() / "m.jsonl", folder.path() / "o", {});
  const auto clips = audio::read_label_lines(summary.labels);
  CHECK(clips[0].find(LabelKind::sound)->labels.at(0).value == "rain");
  CHECK(clips[1].find(LabelKind::sound)->labels.at(0).value == "instrument");
  CHECK(clips[2].find(LabelKind::sound)->labels.empty());
  CHECK(clips[2].find(LabelKind::sound)->known_to == doctest::Approx(1));
  CHECK(clips[3].find(LabelKind::sound) == nullptr);
  CHECK(clips[3].find(LabelKind::noise_level)->labels.at(0).value == "snr 10 dB");
}

TEST_CASE("labels of the same inputs are made once, and of others again") {
  const testing::TemporaryFolder folder;
  const auto manifest = corpus(folder.path());
  const fs::path out = folder.path() / "labels";
  labels::make_labels(manifest, out, {});
  const std::string first = io::read_file(out / "labels.jsonl");
  const auto again = labels::make_labels(manifest, out, {});
  CHECK(again.reused);
  CHECK(again.clips == 2);
  CHECK(again.kinds.at(LabelKind::phone).labels == 2);

  labels::MakeOptions few;
  few.kinds = {"silence", "speaker"};
  const auto fewer = labels::make_labels(manifest, out, few);
  CHECK_FALSE(fewer.reused);
  CHECK(fewer.kinds.size() == 2);
  CHECK_FALSE(labels::make_labels(manifest, out, {}).reused);
  CHECK(io::read_file(out / "labels.jsonl") == first);  // the same bytes

  io::write_file(folder.path() / "low.wav", wav(150));  // other sound, same manifest
  CHECK_FALSE(labels::make_labels(manifest, out, {}).reused);
  io::write_file(out / "labels.jsonl", "");  // somebody emptied it
  CHECK_FALSE(labels::make_labels(manifest, out, {}).reused);
}

TEST_CASE("clips that cannot be decoded are left out and counted; a corpus of them is an error") {
  const testing::TemporaryFolder folder;
  const auto manifest = corpus(folder.path());
  fs::remove(folder.path() / "low.wav");
  const auto summary = labels::make_labels(manifest, folder.path() / "a", {});
  CHECK(summary.clips == 1);
  CHECK(summary.left_out.at("cannot be decoded") == 1);
  REQUIRE_FALSE(summary.notes.empty());
  CHECK(summary.notes[0].find("low.wav") != std::string::npos);
  fs::remove(folder.path() / "high.wav");
  CHECK(error_of([&] {
          labels::make_labels(manifest, folder.path() / "b", {});
        }).find("none of its clips can be decoded") != std::string::npos);
  io::write_file(manifest, "");
  CHECK(error_of([&] {
          labels::make_labels(manifest, folder.path() / "b", {});
        }).find("expected clips, got none") != std::string::npos);
}

TEST_CASE("a manifest's times that cannot be are refused with the line") {
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "low.wav", wav(100));
  const auto refusal = [&](const std::string& phones) {
    io::write_file(folder.path() / "m.jsonl",
                   R"({"audio_filepath":"low.wav","duration":1,"phones_timed":)" + phones + "}\n");
    return error_of(
        [&] { labels::make_labels(folder.path() / "m.jsonl", folder.path() / "o", {}); });
  };
  CHECK(refusal(R"([[0,1,"b"]])") == "nothing was thrown");
  CHECK(refusal(R"([[0,0.5,"b"],[0.4,0.6,"d"]])").find("m.jsonl:1] phone \"d\"") !=
        std::string::npos);
  CHECK(refusal(R"([[0.5,0.4,"b"]])").find("ends before it starts") != std::string::npos);
  CHECK(refusal(R"([[0.5,1.5,"b"]])").find("ends past the clip") != std::string::npos);
  labels::MakeOptions options;
  options.kinds = {"phnoe"};
  CHECK(error_of([&] {
          labels::make_labels(folder.path() / "m.jsonl", folder.path() / "o", options);
        }).find("nearest: phone") != std::string::npos);
}

TEST_CASE("labels leave as TextGrid, CTM or RTTM and come back") {
  const testing::TemporaryFolder folder;
  const auto manifest = corpus(folder.path());
  const auto made = labels::make_labels(manifest, folder.path() / "labels", {});
  CHECK(labels::export_labels(made.labels, "textgrid", folder.path() / "grids") == 2);
  const auto back =
      labels::import_labels(folder.path() / "grids", manifest, folder.path() / "back");
  CHECK(back.clips == 2);
  // What follows from phones and words is not added a second time.
  for (const auto kind : {LabelKind::phone, LabelKind::silence, LabelKind::loudness,
                          LabelKind::phone_class, LabelKind::syllable, LabelKind::position}) {
    CAPTURE(audio::label_kind_name(kind));
    CHECK(back.kinds.at(kind).values == made.kinds.at(kind).values);
  }
  CHECK(labels::export_labels(made.labels, "ctm", folder.path() / "ctm", "phone") == 1);
  const auto phones = labels::import_labels(folder.path() / "ctm/labels.ctm", manifest,
                                            folder.path() / "from-ctm", "phone");
  CHECK(phones.clips == 1);
  CHECK(phones.kinds.at(LabelKind::phone).values == made.kinds.at(LabelKind::phone).values);
  CHECK(phones.kinds.at(LabelKind::syllable).labels == 2);
  CHECK(labels::export_labels(made.labels, "rttm", folder.path() / "rttm") == 1);
  CHECK(labels::import_labels(folder.path() / "rttm/labels.rttm", manifest, folder.path() / "r")
            .kinds.at(LabelKind::speaker)
            .labels == 2);
  CHECK(error_of([&] {
          labels::export_labels(made.labels, "csv", folder.path() / "x");
        }).find("expected textgrid, ctm or rttm") != std::string::npos);
}

TEST_CASE("tables for other clips, of ends or of samples are refused") {
  const testing::TemporaryFolder folder;
  const auto manifest = corpus(folder.path());
  const auto refusal = [&](const std::string& table, const char* name = "x.ctm") {
    io::write_file(folder.path() / name, table);
    return error_of(
        [&] { labels::import_labels(folder.path() / name, manifest, folder.path() / "o"); });
  };
  CHECK(refusal("low 1 0 0.5 a\n") == "nothing was thrown");
  CHECK(refusal("other 1 0 0.5 a\n").find("the manifest has no clip \"other\"") !=
        std::string::npos);
  CHECK(refusal("low 1 0.5 0.7 a\n").find("these may be ends") != std::string::npos);
  CHECK(refusal("low 1 4800 11200 a\n").find("they seem to be samples") != std::string::npos);
  CHECK(refusal("low 1 0 0.5 a\nlow 1 0.4 0.2 b\n").find("overlaps the one before it") !=
        std::string::npos);
  CHECK(refusal("x", "x.txt").find("expected a .TextGrid, .ctm, .rttm or .jsonl") !=
        std::string::npos);
  fs::create_directory(folder.path() / "none");
  CHECK(error_of([&] {
          labels::import_labels(folder.path() / "none", manifest, folder.path() / "o");
        }).find("expected TextGrids in this folder") != std::string::npos);
}
