#include "otoscope/labels/spoken.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include <fmt/format.h>

#include "labels/align_core.h"
#include "otoscope/audio/time.h"
#include "otoscope/audio/wav.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/labels/espeak.h"
#include "otoscope/store/corpora.h"

namespace otoscope::labels {
namespace {

namespace fs = std::filesystem;
using io::OrderedJson;

struct Voice {
  std::string_view variant, gender, split;
};
constexpr std::array kVoices = {
    Voice{"f1", "f", "train"}, Voice{"f2", "f", "train"},   Voice{"f3", "f", "train"},
    Voice{"m1", "m", "train"}, Voice{"m2", "m", "train"},   Voice{"m3", "m", "train"},
    Voice{"m4", "m", "train"}, Voice{"m5", "m", "train"},   Voice{"klatt", "m", "train"},
    Voice{"f5", "f", "train"}, Voice{"klatt2", "m", "dev"}, Voice{"f4", "f", "dev"},
    Voice{"m7", "m", "test"},  Voice{"Annie", "f", "test"},
};
constexpr size_t kSpokenAtOnce = 128;

/// What is spoken, and how.
struct Take {
  const Sentence* sentence = nullptr;
  const Voice* voice = nullptr;
  SpeakOptions how;
  std::string id;
};

/// 80/10/10 by sentence, all its languages together.
std::string_view split_of(const Sentence& sentence, uint64_t seed) {
  const uint64_t place = Rng(seed, "split of " + sentence.id).below(10);
  return place < 8 ? "train" : place < 9 ? "dev" : "test";
}

std::vector<Take> plan(const std::vector<Sentence>& sentences, const SpokenOptions& options) {
  std::vector<Take> takes;
  for (const Sentence& sentence : sentences) {
    std::vector<const Voice*> voices;
    for (const Voice& voice : kVoices)
      if (voice.split == split_of(sentence, options.seed)) voices.push_back(&voice);
    Rng rng(options.seed, "voices of " + sentence.language + "/" + sentence.id);
    const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(voices.size()));
    const bool made = sentence.id.starts_with("made-");
    const auto count = std::min<size_t>(
        voices.size(), made ? static_cast<size_t>(std::max(1, options.voices_a_sentence)) : 1);
    for (size_t k = 0; k < count; ++k) {
      Take take;
      take.sentence = &sentence;
      take.voice = voices[static_cast<size_t>(order[k])];
      take.how.language = sentence.language;
      take.how.variant = take.voice->variant;
      take.how.rate = 120 + static_cast<int>(rng.below(121));
      take.how.pitch = 25 + static_cast<int>(rng.below(51));
      take.id = fmt::format("{}/{}@{}", sentence.language, sentence.id, take.voice->variant);
      takes.push_back(std::move(take));
    }
  }
  return takes;
}

OrderedJson timed(const std::vector<audio::Track>& tracks, audio::LabelKind kind) {
  OrderedJson list = OrderedJson::array();
  for (const audio::Track& track : tracks)
    if (track.kind == kind)
      for (const audio::Label& label : track.labels)
        list.push_back({label.start, label.end, label.value});
  return list;
}

/// The clip's line, or an empty one where the text has no words.
std::string speak_take(const Take& take, const fs::path& folder) {
  const Sentence& sentence = *take.sentence;
  const Speech speech = speak(sentence.text, take.how);
  if (speech.words.empty()) return {};
  std::vector<int16_t> pcm;
  for (const float sample : speech.pcm)
    pcm.push_back(static_cast<int16_t>(std::clamp(sample * 32768.0F, -32768.0F, 32767.0F)));
  const std::string file = take.id + ".wav";
  io::write_file(folder / file, audio::encode_wav(pcm));
  const std::vector<audio::Track> tracks = tracks_of(speech, sentence.text);
  const OrderedJson line = {
      {"audio_filepath", file},
      {"duration", audio::seconds_of_samples(static_cast<int64_t>(pcm.size()))},
      {"text", sentence.text},
      {"id", take.id},
      {"language", sentence.language},
      {"speaker", "espeak-" + std::string(take.voice->variant)},
      {"gender", take.voice->gender},
      {"split", take.voice->split},
      {"prompt_id", sentence.id},
      {"rate", take.how.rate},
      {"pitch", take.how.pitch},
      {"kind", "synthetic"},
      {"licence", "the text's own"},
      {"phones_timed", timed(tracks, audio::LabelKind::phone)},
      {"words_timed", timed(tracks, audio::LabelKind::word)},
  };
  return line.dump() + "\n";
}

}  // namespace

std::vector<Sentence> sentences_of(const std::vector<store::Clip>& clips) {
  std::vector<Sentence> sentences;
  std::set<std::pair<std::string, std::string>> seen;
  for (const store::Clip& clip : clips) {
    if (!clip.speech || !clip.text || clip.language.empty() || clip.prompt_id.empty()) continue;
    const std::string& text = *clip.text;
    if (text.size() > 200 || std::count(text.begin(), text.end(), ' ') < 2) continue;
    if (seen.emplace(clip.language, text).second)
      sentences.push_back({clip.prompt_id, clip.language, text});
  }
  return sentences;
}

void make_spoken(const std::vector<Sentence>& texts, const fs::path& folder,
                 const SpokenOptions& options, Progress& progress) {
  std::vector<Sentence> sentences = texts;
  for (Sentence& sentence : made_sentences(options.made, options.seed))
    sentences.push_back(std::move(sentence));
  const std::vector<Take> takes = plan(sentences, options);
  for (const Take& take : takes) io::make_folder((folder / take.id).parent_path());
  std::vector<std::string> lines(takes.size());
  progress.start("speaking", static_cast<int64_t>(takes.size()), "clips");
  for (size_t begin = 0; begin < takes.size(); begin += kSpokenAtOnce) {
    throw_if_interrupted();
    const size_t n = std::min(kSpokenAtOnce, takes.size() - begin);
    parallel_ranges(static_cast<int64_t>(n), 1, [&](int64_t i, int64_t) {
      const size_t at = begin + static_cast<size_t>(i);
      lines[at] = speak_take(takes[at], folder);
    });
    progress.advance(static_cast<int64_t>(begin + n));
  }
  progress.finish();
  std::sort(lines.begin(), lines.end());
  io::AtomicFile manifest(folder / "manifest.jsonl");
  for (const std::string& line : lines) manifest.write(line);
  manifest.commit();
}

void register_spoken() {
  store::KnownCorpus corpus;
  corpus.name = "spoken";
  corpus.summary =
      "texts of the prompts and others, by espeak-ng's voices: phones with exact times";
  corpus.licence = "the texts': CC-BY-SA-3.0 (ru: CC-BY-3.0), Apache-2.0";
  store::add_corpus(corpus, [](const fs::path& folder, Progress& progress) {
    if (!espeak_available()) speak("");  // says what is missing before anything is fetched
    const fs::path prompts = store::get_corpus(store::known_corpus("prompts"), progress);
    make_spoken(sentences_of(store::read_manifest(prompts).clips), folder, {}, progress);
  });
}

}  // namespace otoscope::labels
