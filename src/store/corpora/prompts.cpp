/// Asterisk's telephone prompts in five languages: one voice a language, English and Spanish the
/// same, so language and voice can be told apart on that pair only.
#include <zlib.h>

#include <map>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/file.h"
#include "store/corpora/build.h"
#include "store/corpora/prompt_texts.h"

namespace otoscope::store {
namespace fs = std::filesystem;
namespace {

constexpr double kBytesPerSecond = 8000.0;  // G.722 at 64 kbit/s
constexpr size_t kLongestList = size_t{8} << 20;

struct Voice {
  const char *language, *folder, *speaker, *gender, *licence;
};
// Speakers and licences as the packages' copyright files name them.
constexpr Voice kVoices[] = {
    {"en", "en_US_f_Allison", "allison-smith", "f", "CC-BY-SA-3.0"},
    {"es", "es_MX_f_Allison", "allison-smith", "f", "CC-BY-SA-3.0"},
    {"fr", "fr_CA_f_June", "june-wallack", "f", "CC-BY-SA-3.0"},
    {"it", "it_IT_m_Carlo", "carlo-flora", "m", "CC-BY-SA-3.0"},
    {"ru", "ru_RU_f_IvrvoiceRU", "ivrvoice-ru", "f", "CC-BY-3.0"},
};

std::string gunzip(const fs::path& path) {
  std::string text;
  gzFile file = ::gzopen(path.c_str(), "rb");
  if (file == nullptr) throw UserError(path.string(), "cannot be opened", "fetch the corpus anew");
  char piece[16384];
  int got = 0;
  while ((got = ::gzread(file, piece, sizeof piece)) > 0 && text.size() < kLongestList)
    text.append(piece, static_cast<size_t>(got));
  const bool whole = ::gzclose(file) == Z_OK && got == 0;
  if (!whole)
    throw UserError(path.string(), "expected a short gzip file, got a broken one",
                    "remove the corpus's folder and fetch it anew");
  return text;
}

/// All .g722 files below a voice's folder: prompt id ("digits/7") -> size.
std::map<std::string, int64_t> prompts_in(const fs::path& folder) {
  std::map<std::string, int64_t> prompts;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().extension() != ".g722") continue;
    fs::path id = entry.path().lexically_relative(folder);
    prompts[id.replace_extension().generic_string()] = static_cast<int64_t>(entry.file_size());
  }
  return prompts;
}

/// The voice's recordings as FOLDER/LANGUAGE, moved out of the package so that paths stay short.
fs::path take_audio(const Voice& voice, const fs::path& packages, const fs::path& folder) {
  const fs::path target = folder / voice.language;
  const std::string package = std::string("asterisk-core-sounds-") + voice.language + "-g722";
  const fs::path origin = packages / package / "usr/share/asterisk/sounds" / voice.folder;
  if (fs::is_directory(target)) return target;
  if (!fs::is_directory(origin))
    throw UserError(package, std::string("expected recordings in ") + voice.folder + ", got none",
                    "this version of the package is laid out otherwise: please report it");
  fs::rename(origin, target);
  return target;
}

}  // namespace

std::vector<ClipLine> build_prompts(const fs::path& packages, const fs::path& folder, Progress&) {
  std::map<std::string, std::map<std::string, std::string>> texts;
  std::set<std::string> sounds;  // ids without speech: what is one in one language is in all
  for (const Voice& voice : kVoices) {
    const std::string name = std::string("asterisk-core-sounds-") + voice.language;
    const fs::path list = packages / name / "usr/share/doc" / name /
                          (std::string("core-sounds-") + voice.language + ".txt.gz");
    texts[voice.language] = parse_prompt_texts(gunzip(list), list.string());
    for (const auto& [id, text] : texts[voice.language])
      if (describes_a_sound(text)) sounds.insert(id);
  }
  std::vector<ClipLine> clips;
  for (const Voice& voice : kVoices) {
    throw_if_interrupted();
    for (const auto& [id, bytes] : prompts_in(take_audio(voice, packages, folder))) {
      if (bytes == 0) continue;  // one Russian prompt is an empty file
      ClipLine clip;
      clip.path = std::string(voice.language) + "/" + id + ".g722";
      clip.duration_s = static_cast<double>(bytes) / kBytesPerSecond;
      clip.id = std::string(voice.language) + "/" + id;
      clip.language = voice.language;
      clip.prompt_id = id;
      clip.licence = voice.licence;
      if (sounds.contains(id)) {
        clip.speech = false;
        clip.text = "";
        clip.kind = id.starts_with("silence/") ? "silence" : "sound";
      } else {
        clip.speaker = voice.speaker;
        clip.gender = voice.gender;
        const std::string* text = text_of(texts[voice.language], id);
        if (text != nullptr && !spoken_text(*text).empty()) clip.text = spoken_text(*text);
      }
      clips.push_back(std::move(clip));
    }
  }
  return clips;
}

}  // namespace otoscope::store
