#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "otoscope/audio/decode.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/store/corpora.h"
#include "otoscope/store/manifest.h"
#include "support/close.h"

namespace otoscope::store {
namespace {

/// OTOSCOPE_HOME in a folder of its own while it lives.
class Home {
 public:
  Home() {
    if (const char* before = std::getenv("OTOSCOPE_HOME")) kept_ = before;
    ::setenv("OTOSCOPE_HOME", folder_.path().c_str(), 1);
  }
  ~Home() {
    if (kept_.empty())
      ::unsetenv("OTOSCOPE_HOME");
    else
      ::setenv("OTOSCOPE_HOME", kept_.c_str(), 1);
  }

 private:
  testing::TemporaryFolder folder_;
  std::string kept_;
};

void check_decodes(const Clip& clip) {
  CAPTURE(clip.id);
  const auto pcm = audio::decode_file(clip.path, clip.offset_s, clip.duration_s);
  const double seconds = static_cast<double>(pcm.size()) / 16000.0;
  CHECK(std::abs(seconds - clip.duration_s) < 0.02);
}

}  // namespace

TEST_CASE("prompts: five languages, four voices, texts, and what is not speech is marked") {
  const Home home;
  const KnownCorpus& corpus = known_corpus("prompts");
  CHECK_FALSE(is_fetched(corpus));
  const auto path = get_corpus(corpus);
  const std::string hash = io::sha256_file(path);
  CHECK(get_corpus(corpus) == path);
  const Manifest manifest = read_manifest(path);
  CHECK(manifest.clips.size() == 2830);
  double seconds = 0.0;
  std::set<std::string> speakers;
  std::map<std::string, std::set<std::string>> languages_of;
  int64_t with_text = 0, sounds = 0;
  for (const Clip& clip : manifest.clips) {
    CHECK(std::filesystem::is_regular_file(clip.path));
    CHECK_FALSE(clip.licence.empty());
    seconds += clip.duration_s;
    if (!clip.speech) {
      ++sounds;
      CHECK(clip.text == "");
      continue;
    }
    speakers.insert(clip.speaker);
    if (clip.text) ++with_text, languages_of[clip.prompt_id].insert(clip.language);
  }
  CHECK(seconds / 60.0 == doctest::Approx(131.03).epsilon(0.001));
  CHECK(speakers.size() == 4);
  int64_t in_all = 0;
  for (const auto& [id, languages] : languages_of) in_all += languages.size() == 5;
  MESSAGE("with text " << with_text << ", sounds " << sounds << ", in five languages " << in_all);
  CHECK(with_text > 2600);
  CHECK(sounds == 5 * 17);
  CHECK(in_all > 430);
  for (size_t i = 0; i < manifest.clips.size(); i += 97) check_decodes(manifest.clips[i]);

  std::filesystem::remove(path);  // interrupted before the manifest: the same bytes again
  CHECK(io::sha256_file(get_corpus(corpus)) == hash);
}

TEST_CASE("a manifest that older rules made is made anew, from the packages that are there") {
  const Home home;
  const KnownCorpus& corpus = known_corpus("nonspeech");
  const auto path = get_corpus(corpus);
  const std::string now = io::read_file(path);
  io::write_file(path, "older");
  CHECK(io::read_file(get_corpus(corpus)) == "older");
  std::filesystem::remove(path.parent_path() / ".rules");
  CHECK(io::read_file(get_corpus(corpus)) == now);
}

TEST_CASE("nonspeech: at least 150 sources without voices, each with a licence") {
  const Home home;
  const auto path = get_corpus(known_corpus("nonspeech"));
  const Manifest manifest = read_manifest(path);
  std::map<std::string, int> sources, kinds;
  double seconds = 0.0;
  for (const Clip& clip : manifest.clips) {
    ++sources[clip.source];
    CHECK(clip.split == split_of_sound(clip.source));
    ++kinds[clip.kind];
    seconds += clip.duration_s;
    CHECK_FALSE(clip.speech);
    CHECK(clip.text == "");
    CHECK_FALSE(clip.licence.empty());
    CHECK(clip.duration_s <= 30.0);
    CHECK(clip.id.find("choir") == std::string::npos);
    CHECK(clip.id.find("robot") == std::string::npos);
  }
  MESSAGE(sources.size() << " sources, " << manifest.clips.size() << " clips, " << seconds / 60
                         << " min");
  for (const auto& [kind, n] : kinds) MESSAGE(kind << " " << n);
  CHECK(sources.size() >= 150);
  for (size_t i = 0; i < manifest.clips.size(); i += 41) check_decodes(manifest.clips[i]);
  const std::string left_out = io::read_file(path.parent_path() / "left_out.tsv");
  CHECK(left_out.find("ambi_choir.flac\tchoir") != std::string::npos);
}

}  // namespace otoscope::store
