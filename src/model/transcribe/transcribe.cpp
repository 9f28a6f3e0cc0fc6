#include "otoscope/model/transcribe.h"

#include <algorithm>

#include "model/transcribe/fallback.h"
#include "model/transcribe/long_form.h"
#include "otoscope/audio/mel.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/model/languages.h"

namespace otoscope::model {
namespace {

/// A language for every file that has none, from its first window (with waveform zeros behind it,
/// as in openai-whisper).
void detect_languages(const LongFormContext& c, std::span<LongForm* const> files) {
  std::vector<LongForm*> open;
  for (LongForm* file : files)
    if (file->language().empty()) open.push_back(file);
  if (open.empty()) return;
  Encoded encoded(c.model, open.size());
  std::vector<int64_t> items;
  const int64_t frames = c.model.dims().n_mel_frames();
  for (size_t i = 0; i < open.size(); ++i) {
    items.push_back(open[i]->item());
    encoded.put(i, open[i]->recording().log_mel(0, frames), open[i]->item(),
                std::min(frames, open[i]->recording().content_frames()), c.hooks);
  }
  const auto guesses = detect_language(c.model, c.tokenizer, encoded.all(), items, c.hooks);
  for (size_t i = 0; i < open.size(); ++i) open[i]->set_language(guesses[i].language);
}

/// --window: the first window alone, no seeking, no silence rule.
Transcript one_window(const LongFormContext& c, const DecodeResult& result, double seconds,
                      View<const float> audio, int64_t item, int64_t mel_frames) {
  Transcript t;
  t.language = result.language;
  t.text = result.text;
  t.seconds = seconds;
  Segment s;
  s.end = std::min(seconds, audio::seconds_of_samples(audio::kHopSamples * mel_frames));
  s.text = result.text;
  s.tokens = result.tokens;
  s.temperature = result.temperature;
  s.avg_logprob = result.avg_logprob;
  s.compression_ratio = result.compression_ratio;
  s.no_speech_prob = result.no_speech_prob;
  t.segments.push_back(std::move(s));
  if (c.options.word_timestamps) add_words(c, audio, t.language, item, mel_frames, 0, t.segments);
  return t;
}

Tensor<float> window_mel(const LongFormContext& c, audio::Recording& recording) {
  const int64_t frames = c.model.dims().n_mel_frames();
  const auto n = std::min<int64_t>(recording.samples(), frames * audio::kHopSamples);
  return audio::log_mel_window(
      recording.pcm(0, n), c.model.dims().n_mels,
      c.options.pad == "mel_zero" ? audio::Padding::mel_zero : audio::Padding::waveform_zero,
      frames);
}

/// Opens recording i; may be asked once for each i, in order.
using Opener = std::function<audio::Recording(size_t)>;

class Driver {
 public:
  Driver(const LongFormContext& c, size_t files, Opener open, std::vector<std::string> paths,
         Progress& progress, const TranscriptReady& ready)
      : c_(c),
        open_(std::move(open)),
        paths_(std::move(paths)),
        progress_(progress),
        ready_(ready),
        transcripts_(files) {}

  std::vector<Transcript> run() {
    progress_.start("transcribe", static_cast<int64_t>(transcripts_.size()), "files");
    while (true) {
      fill();
      if (active_.empty()) break;
      step();
    }
    progress_.finish();
    return std::move(transcripts_);
  }

 private:
  size_t at_once() const {
    if (c_.options.batch > 0) return static_cast<size_t>(c_.options.batch);
    return 16;
  }

  void done(size_t index, Transcript transcript) {
    transcript.path = paths_[index];
    transcripts_[index] = std::move(transcript);
    progress_.advance(++finished_);
    if (ready_) ready_(index, transcripts_[index]);
  }

  void fill() {
    std::vector<LongForm*> fresh;
    for (; active_.size() < at_once() && opened_ < transcripts_.size(); ++opened_) {
      active_.push_back(std::make_unique<LongForm>(c_, open_(opened_),
                                                   static_cast<int64_t>(opened_), paths_[opened_]));
      fresh.push_back(active_.back().get());
    }
    if (!c_.options.window) detect_languages(c_, fresh);
  }

  void step() {
    if (c_.options.window) {
      step_windows();
      return;
    }
    std::vector<Task> tasks;
    std::vector<std::unique_ptr<LongForm>> still;
    for (auto& file : active_) {
      if (file->next()) {
        tasks.push_back({file.get(), file->prompt()});
        still.push_back(std::move(file));
      } else {
        const auto index = static_cast<size_t>(file->item());
        done(index, file->finish());
      }
    }
    active_ = std::move(still);
    if (tasks.empty()) return;
    Encoded encoded(c_.model, tasks.size());
    for (size_t i = 0; i < tasks.size(); ++i)
      encoded.put(i, tasks[i].file->mel(), tasks[i].file->item(), tasks[i].file->window_frames(),
                  c_.hooks);
    const auto results = decode_with_fallback(c_, encoded, tasks);
    for (size_t i = 0; i < tasks.size(); ++i) tasks[i].file->take(results[i], encoded.one(i));
    if (transcripts_.size() == 1 && !active_.empty())
      progress_.advance(0, human_seconds(active_[0]->seconds_done()) + " of " +
                               human_seconds(active_[0]->recording().seconds()));
  }

  void step_windows() {
    std::vector<Task> tasks;
    Encoded encoded(c_.model, active_.size());
    const int64_t frames = c_.model.dims().n_mel_frames();
    for (size_t i = 0; i < active_.size(); ++i) {
      LongForm& file = *active_[i];
      tasks.push_back({&file, file.prompt()});
      encoded.put(i, window_mel(c_, file.recording()), file.item(),
                  std::min(frames, file.recording().content_frames()), c_.hooks);
    }
    const auto results = decode_with_fallback(c_, encoded, tasks);
    for (size_t i = 0; i < active_.size(); ++i) {
      LongForm& file = *active_[i];
      done(static_cast<size_t>(file.item()),
           one_window(c_, results[i], file.recording().seconds(), encoded.one(i), file.item(),
                      std::min(frames, file.recording().content_frames())));
    }
    active_.clear();
  }

  const LongFormContext& c_;
  Opener open_;
  std::vector<std::string> paths_;
  Progress& progress_;
  const TranscriptReady& ready_;
  std::vector<Transcript> transcripts_;
  std::vector<std::unique_ptr<LongForm>> active_;
  size_t opened_ = 0;
  int64_t finished_ = 0;
};

LongFormContext context_of(const Whisper& model, const Tokenizer& tokenizer,
                           const TranscribeOptions& options, Hooks hooks) {
  if (options.temperature.empty()) throw UserError("--temperature", "expected at least one", "0");
  LongFormContext context{model, tokenizer, options, {}, hooks};
  if (options.word_timestamps) context.heads = alignment_heads(model.folder(), model.dims());
  return context;
}

}  // namespace

std::vector<Transcript> transcribe(const Whisper& model, const Tokenizer& tokenizer,
                                   std::span<const std::filesystem::path> files,
                                   const TranscribeOptions& options, Progress& progress,
                                   Hooks hooks, const TranscriptReady& ready) {
  const LongFormContext context = context_of(model, tokenizer, options, hooks);
  std::vector<std::string> paths;
  for (const auto& file : files) paths.push_back(file.string());
  // Files that are open together share what may stay in memory.
  const int64_t resident = audio::Recording::kResidentBytes /
                           std::clamp<int64_t>(static_cast<int64_t>(files.size()), 1, 16);
  const auto open = [&](size_t i) {
    return audio::Recording::open(files[i], model.dims().n_mels, resident);
  };
  return Driver(context, files.size(), open, std::move(paths), progress, ready).run();
}

std::vector<Transcript> transcribe(const Whisper& model, const Tokenizer& tokenizer,
                                   std::vector<audio::Recording> recordings,
                                   const TranscribeOptions& options, Progress& progress,
                                   Hooks hooks) {
  const LongFormContext context = context_of(model, tokenizer, options, hooks);
  const auto open = [&](size_t i) { return std::move(recordings[i]); };
  return Driver(context, recordings.size(), open, std::vector<std::string>(recordings.size()),
                progress, {})
      .run();
}

}  // namespace otoscope::model
