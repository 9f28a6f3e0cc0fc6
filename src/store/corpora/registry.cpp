#include <map>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/fetch.h"
#include "otoscope/io/file.h"
#include "otoscope/store/corpora.h"
#include "store/corpora/build.h"
#include "store/corpora/packages.h"
#include "store/corpora/sound_rules.h"

namespace otoscope::embedded {
extern const std::string_view nonspeech;
}

namespace otoscope::store {
namespace fs = std::filesystem;
namespace {

using Build = std::vector<ClipLine> (*)(const fs::path& packages, const fs::path& folder,
                                        Progress& progress);

KnownCorpus prompts() {
  KnownCorpus corpus{"prompts",
                     "telephone prompts in en, es, fr, it and ru: 2,830 clips, 131 min, with text",
                     "CC-BY-SA-3.0 (ru: CC-BY-3.0)",
                     {},
                     55'200'000};
  for (const char* language : {"en", "es", "fr", "it", "ru"}) {
    const std::string name = std::string("asterisk-core-sounds-") + language;
    corpus.packages.push_back(name);
    corpus.packages.push_back(name + "-g722");
  }
  return corpus;
}

KnownCorpus nonspeech() {
  std::set<std::string> packages;
  for (const SoundRule& rule : parse_sound_rules(embedded::nonspeech))
    packages.insert(rule.package);
  return {"nonspeech",
          "music, instruments, sounds and generated noise; no voices",
          "each clip's own, in the manifest",
          {packages.begin(), packages.end()},
          123'000'000};
}

struct Corpora {
  std::vector<KnownCorpus> known;
  std::map<std::string, MakeCorpus> makers;  // of those that were added
};

Corpora& all_corpora() {
  static Corpora corpora = {{prompts(), nonspeech()}, {}};
  return corpora;
}

Build builder_of(const KnownCorpus& corpus) {
  return corpus.name == "prompts" ? build_prompts : build_nonspeech;
}

/// By what rules a manifest is made: raise it and `data get` makes manifests anew that older
/// versions of the program left. 2 of nonspeech: with a split for each source.
std::string rules_of(const KnownCorpus& corpus) { return corpus.name == "nonspeech" ? "2" : "1"; }

bool is_current(const KnownCorpus& corpus) {
  if (!is_fetched(corpus)) return false;
  if (all_corpora().makers.contains(corpus.name)) return true;
  const fs::path stamp = corpus_folder(corpus) / ".rules";
  return (fs::exists(stamp) ? trimmed(io::read_file(stamp)) : "1") == rules_of(corpus);
}

}  // namespace

const std::vector<KnownCorpus>& known_corpora() { return all_corpora().known; }

void add_corpus(KnownCorpus corpus, MakeCorpus make) {
  Corpora& corpora = all_corpora();
  if (corpora.makers.contains(corpus.name)) return;
  corpora.makers[corpus.name] = std::move(make);
  corpora.known.push_back(std::move(corpus));
}

const KnownCorpus& known_corpus(std::string_view name) {
  std::vector<std::string> names;
  for (const KnownCorpus& corpus : known_corpora()) {
    if (corpus.name == name) return corpus;
    names.push_back(corpus.name);
  }
  throw UserError(name, "expected the name of a known corpus",
                  "known are " + join(names) + "; others are read from a manifest of yours");
}

fs::path corpus_folder(const KnownCorpus& corpus) {
  return io::home_folder() / "data" / corpus.name;
}
fs::path corpus_manifest(const KnownCorpus& corpus) {
  return corpus_folder(corpus) / "manifest.jsonl";
}
// The manifest is written last, whole or not at all.
bool is_fetched(const KnownCorpus& corpus) { return fs::exists(corpus_manifest(corpus)); }

fs::path get_corpus(const KnownCorpus& corpus, Progress& progress) {
  const fs::path folder = corpus_folder(corpus);
  fs::path manifest = corpus_manifest(corpus);
  if (is_current(corpus)) return manifest;
  io::make_folder(folder);
  const io::FolderLock lock(folder);
  if (const auto maker = all_corpora().makers.find(corpus.name);
      maker != all_corpora().makers.end()) {
    maker->second(folder, progress);
    OTO_ASSERT(is_fetched(corpus));
    return manifest;
  }
  const int64_t wanted = 3 * corpus.download_bytes, room = io::free_bytes(folder);
  if (room < wanted)
    throw UserError(corpus.name,
                    "expected " + human_bytes(wanted) + " free on the disk of " + folder.string() +
                        ", got " + human_bytes(room),
                    "make room, or set OTOSCOPE_HOME to a folder on another disk");
  unpack_debian(corpus.packages, folder / "packages", corpus.download_bytes, progress);
  write_manifest(manifest, builder_of(corpus)(folder / "packages", folder, progress));
  io::write_file(folder / ".rules", rules_of(corpus) + "\n");
  return manifest;
}

fs::path resolve_manifest(const std::string& name_or_path) {
  std::error_code error;
  const fs::path path = name_or_path;
  if (fs::is_directory(path, error) && fs::exists(path / "manifest.jsonl", error))
    return path / "manifest.jsonl";
  if (fs::exists(path, error)) return path;
  for (const KnownCorpus& corpus : known_corpora())
    if (corpus.name == name_or_path) {
      if (is_fetched(corpus)) return corpus_manifest(corpus);
      throw UserError(name_or_path, "expected a fetched corpus, got one that is not here yet",
                      "run `otoscope data get " + name_or_path + "`");
    }
  throw UserError(name_or_path, "expected a manifest or the name of a corpus, got neither",
                  "check the path; `otoscope data list` shows the names");
}

}  // namespace otoscope::store
