#include "otoscope/labels/check_alignment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "labels/align_core.h"
#include "labels/boundary_errors.h"
#include "otoscope/audio/decode.h"
#include "otoscope/audio/mel.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/labels/espeak.h"
#include "otoscope/labels/plain_word.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/words.h"

namespace otoscope::labels {
namespace {

using audio::LabelKind;
using audio::Track;

constexpr std::array kVariants = {"f2", "m3", "klatt2", "f4", "Annie", "m7"};
constexpr double kMostSeconds = 28;  // one window, for Whisper's words

struct Recording {
  const store::Clip* clip = nullptr;
  std::vector<float> pcm;
  std::string wrong_text;
};

/// Errors of one clip.
struct ClipErrors {
  std::string language;
  BoundaryErrors errors;
};

double quantile_of(std::vector<std::pair<double, int32_t>>& sorted,
                   std::span<const int32_t> multiplicity, double q) {
  int64_t all = 0;
  for (const auto& [value, cluster] : sorted) all += multiplicity[static_cast<size_t>(cluster)];
  if (all == 0) return std::nan("");
  int64_t seen = 0;
  for (const auto& [value, cluster] : sorted) {
    seen += multiplicity[static_cast<size_t>(cluster)];
    if (static_cast<double>(seen) >= q * static_cast<double>(all)) return value;
  }
  return sorted.back().first;
}

BoundaryCheck boundary_check(const std::vector<const ClipErrors*>& clips, uint64_t seed) {
  BoundaryCheck check;
  std::vector<std::pair<double, int32_t>> sorted;
  std::vector<double> all_signed;
  for (size_t c = 0; c < clips.size(); ++c) {
    check.missing += clips[c]->errors.missing;
    for (const double error : clips[c]->errors.seconds) {
      sorted.emplace_back(std::abs(error) * 1000, static_cast<int32_t>(c));
      all_signed.push_back(error * 1000);
    }
  }
  if (sorted.empty()) return check;
  std::sort(sorted.begin(), sorted.end());
  std::sort(all_signed.begin(), all_signed.end());
  check.bias_ms = all_signed[all_signed.size() / 2];
  const auto estimate = [&](double q) {
    return cluster_bootstrap(
        static_cast<int64_t>(clips.size()), static_cast<int64_t>(sorted.size()),
        [&](std::span<const int32_t> times) { return quantile_of(sorted, times, q); }, seed);
  };
  check.median_ms = estimate(0.5);
  check.p90_ms = estimate(0.9);
  return check;
}

std::map<std::string, BoundaryCheck> by_language(const std::vector<ClipErrors>& clips,
                                                 uint64_t seed) {
  std::map<std::string, std::vector<const ClipErrors*>> groups;
  for (const ClipErrors& clip : clips) {
    groups[clip.language].push_back(&clip);
    groups["all"].push_back(&clip);
  }
  std::map<std::string, BoundaryCheck> out;
  for (const auto& [language, members] : groups) out[language] = boundary_check(members, seed);
  return out;
}

std::vector<Recording> draw(std::span<const store::Clip> clips,
                            const CheckAlignmentOptions& options) {
  std::vector<Recording> drawn;
  std::map<std::string, int> count;
  for (const int64_t i :
       Rng(options.seed, "check alignment").permutation(static_cast<int64_t>(clips.size()))) {
    const store::Clip& clip = clips[static_cast<size_t>(i)];
    if (!clip.speech || !clip.text || clip.text->size() < 12 || clip.text->size() > 300 ||
        clip.language.empty() || clip.duration_s > kMostSeconds)
      continue;
    if (count[clip.language]++ < options.clips) drawn.push_back({&clip, {}, {}});
  }
  for (Recording& mine : drawn) {
    size_t nearest = SIZE_MAX;
    for (const Recording& other : drawn) {
      const std::string &a = *mine.clip->text, &b = *other.clip->text;
      if (other.clip->language != mine.clip->language || a == b) continue;
      const size_t apart = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
      if (apart < nearest) {
        nearest = apart;
        mine.wrong_text = b;
      }
    }
  }
  return drawn;
}

const Track& track_in(const std::vector<Track>& tracks, LabelKind kind) {
  return *std::find_if(tracks.begin(), tracks.end(),
                       [&](const Track& track) { return track.kind == kind; });
}

/// Speech of another voice, with silence before and after it and a little noise.
struct OtherVoice {
  std::vector<float> pcm;
  std::vector<Track> truth;
};

OtherVoice voice_of(const store::Clip& clip, size_t number, uint64_t seed) {
  SpeakOptions how;
  how.language = clip.language;
  how.variant = kVariants[number % kVariants.size()];
  how.rate = 130 + 20 * static_cast<int>(number % 5);
  how.pitch = 30 + 10 * static_cast<int>(number % 5);
  Speech speech = speak(*clip.text, how);
  Rng rng(seed, "voice " + clip.id);
  const auto before = static_cast<int64_t>(3200 + rng.below(8000)),
             after = static_cast<int64_t>(3200 + rng.below(8000));
  OtherVoice voice;
  voice.truth = tracks_of(speech, *clip.text);
  for (Track& track : voice.truth)
    for (audio::Label& label : track.labels) {
      label.start += audio::seconds_of_samples(before);
      label.end += audio::seconds_of_samples(before);
    }
  voice.pcm.assign(static_cast<size_t>(before), 0.0F);
  voice.pcm.insert(voice.pcm.end(), speech.pcm.begin(), speech.pcm.end());
  voice.pcm.resize(voice.pcm.size() + static_cast<size_t>(after), 0.0F);
  for (float& sample : voice.pcm) sample += 0.0015F * static_cast<float>(rng.normal());
  return voice;
}

void check_voices(const Aligner& aligner, const std::vector<Recording>& drawn,
                  const CheckAlignmentOptions& options, AlignmentCheck& check) {
  std::vector<OtherVoice> voices;
  for (size_t i = 0; i < drawn.size(); ++i)
    voices.push_back(voice_of(*drawn[i].clip, i, options.seed));
  std::vector<Aligner::Item> items;
  for (size_t i = 0; i < drawn.size(); ++i)
    items.push_back({voices[i].pcm, *drawn[i].clip->text, drawn[i].clip->language});
  const std::vector<Alignment> found = aligner.align(items);
  std::vector<ClipErrors> phones, words;
  for (size_t i = 0; i < drawn.size(); ++i) {
    if (found[i].tracks.empty()) continue;
    const std::string& language = drawn[i].clip->language;
    const auto errors = [&](LabelKind kind) {
      return boundary_errors(found[i].track(kind), track_in(voices[i].truth, kind));
    };
    phones.push_back({language, errors(LabelKind::phone)});
    words.push_back({language, errors(LabelKind::word)});
  }
  check.phones_of_voices = by_language(phones, options.seed);
  check.words_of_voices = by_language(words, options.seed);
}

void check_texts(const Aligner& aligner, const std::vector<Recording>& drawn,
                 std::vector<Alignment>& right, AlignmentCheck& check) {
  std::vector<Aligner::Item> items, wrong;
  for (const Recording& recording : drawn) {
    items.push_back({recording.pcm, *recording.clip->text, recording.clip->language});
    if (!recording.wrong_text.empty())
      wrong.push_back({recording.pcm, recording.wrong_text, recording.clip->language});
  }
  right = aligner.align(items);
  int64_t kept = 0, wrong_kept = 0;
  for (const Alignment& alignment : right) {
    kept += alignment.kept;
    check.right_scores.push_back(alignment.score);
  }
  for (const Alignment& alignment : aligner.align(wrong)) {
    wrong_kept += alignment.kept;
    check.wrong_scores.push_back(alignment.score);
  }
  check.right_kept = wilson(kept, static_cast<int64_t>(items.size()));
  check.wrong_kept = wilson(wrong_kept, static_cast<int64_t>(wrong.size()));
  std::vector<double> scores = check.right_scores;
  scores.insert(scores.end(), check.wrong_scores.begin(), check.wrong_scores.end());
  std::vector<uint8_t> is_right(scores.size(), 0);
  std::fill_n(is_right.begin(), check.right_scores.size(), uint8_t{1});
  check.auroc = auroc(scores, is_right);
}

std::map<std::string, BoundaryCheck> check_whisper(const model::Whisper& whisper,
                                                   const std::vector<Recording>& drawn,
                                                   const std::vector<Alignment>& found,
                                                   uint64_t seed, Progress& progress) {
  const auto tokenizer = model::Tokenizer::load(whisper.folder(), whisper.dims().n_vocab);
  const int64_t frames = whisper.dims().n_mel_frames();
  model::AlignOptions options;
  options.heads = model::alignment_heads(whisper.folder(), whisper.dims());
  std::vector<ClipErrors> errors;
  progress.start("Whisper's word times", static_cast<int64_t>(drawn.size()), "clips");
  for (size_t i = 0; i < drawn.size(); ++i) {
    throw_if_interrupted();
    progress.advance(static_cast<int64_t>(i));
    if (!found[i].kept) continue;
    const store::Clip& clip = *drawn[i].clip;
    const Tensor<float> one = audio::log_mel_window(drawn[i].pcm, whisper.dims().n_mels);
    Tensor<float> mel({1, frames, whisper.dims().n_mels});
    std::copy_n(one.data(), one.size(), mel.data());
    const Tensor<float> encoded = whisper.encode(mel.view());
    options.language = clip.language;
    options.mel_frames =
        std::min<int64_t>(frames, static_cast<int64_t>(drawn[i].pcm.size()) / audio::kHopSamples);
    const auto tokens = tokenizer.encode(" " + *clip.text);
    Track words;
    words.kind = LabelKind::word;
    for (const auto& word :
         model::align_words(whisper, tokenizer, encoded.view().sub(0), tokens, options))
      words.labels.push_back({word.start, word.end, plain_word(word.text)});
    errors.push_back({clip.language, boundary_errors(found[i].track(LabelKind::word), words)});
  }
  progress.finish();
  return by_language(errors, seed);
}

nlohmann::ordered_json to_json(const std::map<std::string, BoundaryCheck>& checks) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& [language, check] : checks)
    out[language] = {{"median_ms", io::to_json(check.median_ms)},
                     {"p90_ms", io::to_json(check.p90_ms)},
                     {"bias_ms", check.bias_ms},
                     {"missing", check.missing}};
  return out;
}

}  // namespace

AlignmentCheck check_alignment(const Aligner& aligner, const model::Whisper* encoder,
                               std::span<const store::Clip> clips,
                               const CheckAlignmentOptions& options, Progress& progress) {
  std::vector<Recording> drawn = draw(clips, options);
  if (drawn.empty())
    throw UserError("manifest", "expected clips with text and language, got none",
                    "`data get prompts` has some");
  for (Recording& recording : drawn)
    recording.pcm = audio::decode_file(recording.clip->path, recording.clip->offset_s,
                                       recording.clip->duration_s);
  AlignmentCheck check;
  check.source = aligner.source();
  check.keep_score = aligner.options().keep_score;
  check_voices(aligner, drawn, options, check);
  std::vector<Alignment> right;
  check_texts(aligner, drawn, right, check);
  if (encoder != nullptr)
    check.words_of_whisper = check_whisper(*encoder, drawn, right, options.seed, progress);
  return check;
}

nlohmann::ordered_json to_json(const AlignmentCheck& check) {
  return {{"schema", "otoscope.alignment_check"},
          {"version", 1},
          {"source", check.source},
          {"keep_score", check.keep_score},
          {"phones_of_voices", to_json(check.phones_of_voices)},
          {"words_of_voices", to_json(check.words_of_voices)},
          {"words_of_whisper", to_json(check.words_of_whisper)},
          {"right_kept", io::to_json(check.right_kept)},
          {"wrong_kept", io::to_json(check.wrong_kept)},
          {"auroc", check.auroc},
          {"right_scores", check.right_scores},
          {"wrong_scores", check.wrong_scores}};
}

}  // namespace otoscope::labels
