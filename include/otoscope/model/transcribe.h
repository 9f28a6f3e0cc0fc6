#pragma once
/// Recordings of any length to text: the long-form loop of openai-whisper (Radford et al. 2022,
/// §4.5). The defaults equal whisper.transcribe(temperature=0, condition_on_previous_text=False).
/// Files advance side by side, one window each, so that windows are decoded in batches.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "otoscope/audio/recording.h"
#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/words.h"

namespace otoscope::model {

struct TranscribeOptions {
  std::string language;
  std::string task = "transcribe";
  bool window = false;
  std::string pad = "auto";
  std::vector<float> temperature{0.0f};
  int beam = 0;
  double patience = 1.0;
  double length_penalty = -1;
  int best_of = 1;
  int max_tokens = 0;
  double compression_ratio_threshold = 2.4;
  double logprob_threshold = -1.0;
  double no_speech_threshold = 0.6;
  bool condition_on_previous_text = false;
  std::string initial_prompt;
  bool carry_initial_prompt = false;
  std::string suppress_tokens = "-1";
  bool keep_blank = false;
  bool without_timestamps = false;
  double max_initial_timestamp = 1.0;
  std::vector<float> clip_timestamps;
  bool word_timestamps = false;
  std::string prepend_punctuation = "\"'\u201c\u00bf([{-";
  std::string append_punctuation = "\"'.\u3002,\uff0c!\uff01?\uff1f:\uff1a\u201d)]}\u3001";
  double hallucination_silence = 0;
  int batch = 0;
  uint64_t seed = 0;  // the command line's own --seed

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("language", o.language, "code or name of the language spoken; detected if not given");
    v("task", o.task, "write what is said, or its English translation",
      Choices{{"transcribe", "translate"}});
    v("window", o.window, "decode the first window of each file alone, as whisper.decode does");
    v("pad", o.pad,
      "what follows the end of a recording in its last window: auto is mel_zero for whole files, "
      "waveform_zero with --window",
      Choices{{"auto", "mel_zero", "waveform_zero"}});
    v("temperature", o.temperature,
      "0 = the likeliest; with several, each next one is tried where an answer fails a threshold",
      Range{0, 100});
    v("beam", o.beam, "beams at temperature 0, 0 = greedy", Range{0, 64});
    v("patience", o.patience, "how many beams must end, as a multiple of --beam", Range{0.01, 100});
    v("length-penalty", o.length_penalty, "alpha for ranking answers, -1 = mean per token",
      Range{-1, 1});
    v("best-of", o.best_of, "samples at temperature > 0", Range{1, 64});
    v("max-tokens", o.max_tokens, "most tokens of a window, 0 = half the model's context",
      Range{0, 448});
    v("compression-ratio-threshold", o.compression_ratio_threshold,
      "more repetitive text than this fails");
    v("logprob-threshold", o.logprob_threshold, "a lower mean log-probability than this fails");
    v("no-speech-threshold", o.no_speech_threshold,
      "a window less sure than --logprob-threshold with more than this is silence");
    v("condition-on-previous-text", o.condition_on_previous_text,
      "give each window the text before it");
    v("initial-prompt", o.initial_prompt, "text that the first window is told came before");
    v("carry-initial-prompt", o.carry_initial_prompt, "tell it to every window");
    v("suppress-tokens", o.suppress_tokens,
      "ids never sampled, by commas; -1 = symbols that are not speech; empty = none");
    v("keep-blank", o.keep_blank, "allow an answer to begin with a blank or to be empty");
    v("without-timestamps", o.without_timestamps, "decode text only");
    v("max-initial-timestamp", o.max_initial_timestamp, "latest start of a window's text, seconds");
    v("clip-timestamps", o.clip_timestamps, "start,end,start,end,... of the parts to transcribe");
    v("word-timestamps", o.word_timestamps, "start and end of each word");
    v("prepend-punctuation", o.prepend_punctuation, "marks that belong to the next word");
    v("append-punctuation", o.append_punctuation, "marks that belong to the word before");
    v("hallucination-silence", o.hallucination_silence,
      "with word times: skip silences longer than this around words that look made up, seconds, 0 "
      "= never",
      Range{0, 1e6});
    v("batch", o.batch, "windows decoded at once, 0 = as many as fit", Range{0, 1024});
  }
};

struct TranscribedWord {
  std::string text;  // with its leading space
  double start = 0, end = 0;
  double probability = 0;
};

struct Segment {
  int64_t seek = 0;  // mel frame where its window starts
  double start = 0, end = 0;
  std::string text;
  std::vector<int64_t> tokens;  // with timestamps
  double temperature = 0, avg_logprob = 0, compression_ratio = 0, no_speech_prob = 0;
  std::vector<TranscribedWord> words;
};

struct Transcript {
  std::string path;
  std::string language, text;
  double seconds = 0;
  std::vector<Segment> segments;
};

/// Called when a transcript is complete; files may end in any order. index: of the file.
using TranscriptReady = std::function<void(size_t index, const Transcript&)>;

/// One transcript a file, in the files' order. Rows.item of hooks is the file's index. UserError
/// names the file at fault.
std::vector<Transcript> transcribe(const Whisper& model, const Tokenizer& tokenizer,
                                   std::span<const std::filesystem::path> files,
                                   const TranscribeOptions& options = {},
                                   Progress& progress = silent_progress(), Hooks hooks = {},
                                   const TranscriptReady& ready = {});
/// The same for recordings in hand.
std::vector<Transcript> transcribe(const Whisper& model, const Tokenizer& tokenizer,
                                   std::vector<audio::Recording> recordings,
                                   const TranscribeOptions& options = {},
                                   Progress& progress = silent_progress(), Hooks hooks = {});

}  // namespace otoscope::model
