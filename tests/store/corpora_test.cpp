#include "otoscope/store/corpora.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/wav.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/process.h"
#include "otoscope/store/manifest.h"
#include "store/corpora/clip_line.h"
#include "store/corpora/generated.h"
#include "store/corpora/packages.h"
#include "store/corpora/prompt_texts.h"
#include "store/corpora/sound_rules.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::store {
namespace {

namespace fs = std::filesystem;
using otoscope::testing::error_of;
using otoscope::testing::TemporaryFolder;

/// An environment variable with another value while this lives.
class Setting {
 public:
  Setting(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) kept_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Setting() { ::setenv(name_, kept_.c_str(), 1); }

 private:
  const char* name_;
  std::string kept_;
};

/// An `apt-get` that hands out archives from a folder, first in PATH.
void make_apt_get(const fs::path& bin, const fs::path& archives) {
  io::make_folder(bin);
  io::write_file(bin / "apt-get", "#!/bin/sh\nshift 2\nfor p; do cp '" + archives.string() +
                                      "'/\"$p\"_1_all.deb . 2>/dev/null || { echo \"E: Unable to "
                                      "locate package $p\" >&2; exit 100; }; done\n");
  fs::permissions(bin / "apt-get", fs::perms::owner_all);
}

void make_archive(const fs::path& archives, const std::string& name) {
  const fs::path root = archives / ("root-" + name);
  io::make_folder(root / "DEBIAN");
  io::make_folder(root / "usr/share");
  io::write_file(root / "DEBIAN/control", "Package: " + name +
                                              "\nVersion: 1\nArchitecture: all\nMaintainer: x "
                                              "<x@example.org>\nDescription: x\n");
  io::write_file(root / "usr/share/content", name);
  io::run_process_checked(
      {"dpkg-deb", "-b", root.string(), (archives / (name + "_1_all.deb")).string()});
}

}  // namespace

TEST_CASE("lists of prompt texts are read with their quirks") {
  const auto texts = parse_prompt_texts(
      "\xef\xbb\xbf; heading: no entry\n\nadded: Added.\r\ndigits/0: cero\ndigits/0: diez\n"
      "letters/O: O\nspy: IAX: two  words \nno colon here\nempty:\n",
      "x.txt");
  CHECK(texts.size() == 5);
  CHECK(texts.at("added") == "Added.");
  CHECK(texts.at("digits/0") == "cero");
  CHECK(texts.at("spy") == "IAX: two  words");
  CHECK(texts.at("empty").empty());
  REQUIRE(text_of(texts, "letters/o") != nullptr);
  CHECK(*text_of(texts, "letters/o") == "O");
  CHECK(text_of(texts, "letters/x") == nullptr);
  CHECK(error_of([] { parse_prompt_texts("a: \xe9t\xe9\n", "x.txt"); }).find("UTF-8") !=
        std::string::npos);
  CHECK_THROWS_AS(parse_prompt_texts("a: \xc0\xaf\n", "x"), UserError);      // overlong
  CHECK_THROWS_AS(parse_prompt_texts("a: \xed\xa0\x80\n", "x"), UserError);  // surrogate
  CHECK_THROWS_AS(parse_prompt_texts("a: \xe2\x82", "x"), UserError);        // cut short
  CHECK(parse_prompt_texts("a: \xe2\x82\xac\n", "x").at("a") == "\xe2\x82\xac");
}

TEST_CASE("notes are not spoken") {
  CHECK(spoken_text("at [@]") == "at");
  CHECK(spoken_text("IAX (note: does not say \"2\")") == "IAX");
  CHECK(spoken_text("Il [suo] messaggio  salvato.") == "Il messaggio salvato.");
  CHECK(spoken_text("a ((b) c) d]") == "a d");
  CHECK(spoken_text("[unclosed text") == "");
  CHECK(describes_a_sound("<beep ascending>"));
  CHECK(describes_a_sound("(8 seconds of silence)"));
  CHECK_FALSE(describes_a_sound("[!] punto esclamativo"));
  CHECK_FALSE(describes_a_sound(""));
}

TEST_CASE("the first rule that fits a sound counts, and sources cluster as the rule says") {
  const auto rules = parse_sound_rules(
      "# comment\nhead\tx\tx\tx\tx\np\td/robot*\tvoice\trobot voice\tCC0\n"
      "p\td/kick*\tinstrument\t~\tCC0\np\td/*\tsound\t=\tMIT\nq\t*\tmusic\tband\tGPL\n");
  REQUIRE(rules.size() == 4);
  CHECK(rule_for(rules, "p", "d/robot1.ogg")->kind == "voice");
  CHECK(source_of(*rule_for(rules, "p", "d/kick12.ogg"), "d/kick12.ogg") == "p/kick");
  CHECK(source_of(*rule_for(rules, "p", "d/x1.ogg"), "d/x1.ogg") == "p/x1");
  CHECK(source_of(*rule_for(rules, "q", "a/b.ogg"), "a/b.ogg") == "q/band");
  CHECK(rule_for(rules, "p", "elsewhere.ogg") == nullptr);
  CHECK(error_of([] { parse_sound_rules("h\th\th\th\th\na\tb\n"); }).find("nonspeech.tsv:2") !=
        std::string::npos);
}

TEST_CASE("the table of sounds is well formed") {
  const KnownCorpus& corpus = known_corpus("nonspeech");
  CHECK(corpus.packages.size() > 15);
  const auto rules = parse_sound_rules(
      io::read_file(fs::path(OTOSCOPE_TEST_DIR) / "../src/store/data/nonspeech.tsv"));
  const std::set<std::string> kinds = {"music", "instrument", "sound", "voice", "skip"};
  for (const SoundRule& rule : rules) {
    CAPTURE(rule.package + " " + rule.files);
    CHECK(kinds.contains(rule.kind));
    CHECK_FALSE(rule.source.empty());
    CHECK_FALSE(rule.licence.empty());
  }
}

TEST_CASE("generated sounds are what they are called, and the same again") {
  const auto sounds = generate_sounds(0), again = generate_sounds(0), other = generate_sounds(1);
  CHECK(sounds.size() == 26);
  std::set<std::string> names;
  for (size_t i = 0; i < sounds.size(); ++i) {
    const GeneratedSound& sound = sounds[i];
    CAPTURE(sound.name);
    names.insert(sound.name);
    CHECK(sound.pcm.size() == 160000);
    CHECK(sound.pcm == again[i].pcm);
    if (sound.kind == "noise" || sound.kind == "hum" || sound.kind == "clicks")
      CHECK(sound.pcm != other[i].pcm);
    double squares = 0.0;
    for (const int16_t s : sound.pcm) squares += static_cast<double>(s) * s;
    const double level = 10 * std::log10(squares / 160000.0 / 32768.0 / 32768.0 + 1e-20);
    if (sound.kind == "silence")
      CHECK(level < -70.0);
    else
      CHECK((level > -56.0 && level < -10.0));
  }
  CHECK(names.size() == sounds.size());

  const TemporaryFolder folder;
  io::write_file(folder.path() / "x.wav", audio::encode_wav(sounds[0].pcm));
  const auto decoded = audio::decode_file(folder.path() / "x.wav");
  REQUIRE(decoded.size() == sounds[0].pcm.size());
  for (size_t i = 0; i < decoded.size(); i += 1001)
    CHECK(decoded[i] * 32768.0f == static_cast<float>(sounds[0].pcm[i]));
}

TEST_CASE("what is written as a manifest reads back the same") {
  const TemporaryFolder folder;
  ClipLine speech, sound;
  speech.path = "en/a \"b\".g722", speech.id = "en/b", speech.duration_s = 1.25;
  speech.text = "\xc3\xa9t\xc3\xa9", speech.language = "fr", speech.speaker = "s";
  speech.gender = "f", speech.prompt_id = "b", speech.licence = "CC0";
  sound.path = "x.wav", sound.id = "a", sound.offset_s = 12.5, sound.duration_s = 30;
  sound.text = "", sound.source = "p/x", sound.kind = "music", sound.speech = false;
  sound.split = "dev";
  write_manifest(folder.path() / "manifest.jsonl", {speech, sound});
  const Manifest manifest = read_manifest(folder.path() / "manifest.jsonl");
  REQUIRE(manifest.clips.size() == 2);
  const Clip &first = manifest.clips[0], &second = manifest.clips[1];  // sorted by id
  CHECK(first.id == "a");
  CHECK(first.offset_s == 12.5);
  CHECK(first.source == "p/x");
  CHECK(first.split == "dev");
  CHECK(second.split.empty());
  CHECK_FALSE(first.speech);
  CHECK(first.text == "");
  CHECK(second.path == folder.path() / "en/a \"b\".g722");
  CHECK(second.text == speech.text);
  CHECK(second.speaker == "s");
  CHECK(second.prompt_id == "b");
  CHECK(second.duration_s == 1.25);
}

TEST_CASE("packages are fetched once, unpacked whole, and errors say what to do") {
  const TemporaryFolder folder;
  const fs::path archives = folder.path() / "archives", bin = folder.path() / "bin";
  make_archive(archives, "one");
  make_archive(archives, "two");
  make_apt_get(bin, archives);
  const Setting path("PATH", bin.string() + ":" + std::getenv("PATH"));
  const fs::path target = folder.path() / "packages";
  unpack_debian({"one", "two"}, target, 1000, silent_progress());
  CHECK(io::read_file(target / "one/usr/share/content") == "one");
  CHECK(io::read_file(target / "two/usr/share/content") == "two");
  CHECK_FALSE(fs::exists(target / "one_1_all.deb"));

  fs::remove_all(archives);  // not asked for again
  unpack_debian({"one", "two"}, target, 1000, silent_progress());
  const std::string unknown =
      error_of([&] { unpack_debian({"three"}, target, 1000, silent_progress()); });
  CHECK(unknown.find("[apt-get download]") == 0);
  CHECK(unknown.find("Unable to locate package three") != std::string::npos);
  CHECK(unknown.find("apt-get update") != std::string::npos);

  io::make_folder(archives);
  io::write_file(archives / "four_1_all.deb", "not an archive");
  const std::string broken =
      error_of([&] { unpack_debian({"four"}, target, 1000, silent_progress()); });
  CHECK(broken.find("cannot be unpacked") != std::string::npos);
  CHECK_FALSE(fs::exists(target / "four"));
  CHECK_FALSE(fs::exists(target / "four_1_all.deb"));
}

TEST_CASE("a system without apt-get is told so") {
  const TemporaryFolder folder;
  const Setting path("PATH", folder.path().string());
  const std::string error =
      error_of([&] { unpack_debian({"x"}, folder.path() / "p", 1000, silent_progress()); });
  CHECK(error.find("expected a Debian system") != std::string::npos);
}

TEST_CASE("a corpus is a manifest, its folder, or a name that was fetched") {
  const TemporaryFolder folder;
  const Setting home("OTOSCOPE_HOME", folder.path().string());
  io::write_file(folder.path() / "manifest.jsonl", "");
  CHECK(resolve_manifest(folder.path().string()) == folder.path() / "manifest.jsonl");
  CHECK(resolve_manifest((folder.path() / "manifest.jsonl").string()) ==
        folder.path() / "manifest.jsonl");
  CHECK(error_of([] { resolve_manifest("prompts"); }).find("data get prompts") !=
        std::string::npos);
  CHECK(error_of([] { resolve_manifest("no/such"); }).find("neither") != std::string::npos);
  CHECK_THROWS_AS(known_corpus("promts"), UserError);
  io::make_folder(folder.path() / "data/prompts");
  io::write_file(folder.path() / "data/prompts/manifest.jsonl", "");
  CHECK(resolve_manifest("prompts") == corpus_manifest(known_corpus("prompts")));
}

}  // namespace otoscope::store
