#pragma once
/// One recording on its way through the long-form loop. It asks for a window, is given the answer,
/// cuts it into segments and decides where the next window starts.

#include <optional>
#include <utility>

#include "otoscope/model/transcribe.h"

namespace otoscope::model {

/// What the loop needs besides the recording; one for all recordings.
struct LongFormContext {
  const Whisper& model;
  const Tokenizer& tokenizer;
  const TranscribeOptions& options;
  std::vector<std::pair<int, int>> heads;  // for word times
  Hooks hooks;
};

class LongForm {
 public:
  LongForm(const LongFormContext& context, audio::Recording recording, int64_t item,
           std::string path);

  int64_t item() const { return item_; }
  audio::Recording& recording() { return recording_; }
  const std::string& language() const { return transcript_.language; }
  void set_language(std::string language) { transcript_.language = std::move(language); }
  double seconds_done() const;

  /// Moves to the next window; false at the end of the recording.
  bool next();
  /// Mel of the present window, (2 n_audio_ctx, n_mels), and how many of its frames are audio.
  Tensor<float> mel();
  int64_t window_frames() const { return size_; }
  /// What the decoder is told came before.
  std::vector<int64_t> prompt() const;
  /// The answer for the present window and the encoder output (n_audio_ctx, d) that it came from.
  void take(const DecodeResult& result, View<const float> audio);

  Transcript finish();

 private:
  bool is_silence(const DecodeResult& result) const;
  std::vector<Segment> cut(const DecodeResult& result);
  Segment segment(const DecodeResult& result, std::span<const int64_t> tokens, double start,
                  double end) const;
  void time_words(std::vector<Segment>& segments, View<const float> audio, bool single_ending,
                  bool& skipped);

  const LongFormContext& context_;
  audio::Recording recording_;
  int64_t item_;
  Transcript transcript_;
  std::vector<std::pair<int64_t, int64_t>> clips_;  // mel frames
  size_t clip_ = 0;
  int64_t seek_ = 0, size_ = 0;
  std::vector<int64_t> tokens_;
  size_t initial_prompt_ = 0;  // how many of them were given
  size_t prompt_from_ = 0;
  double last_speech_ = 0;
};

/// Word times of one window's segments: aligned, punctuation merged, held to plausible durations,
/// and segments drawn to their words (openai-whisper's add_word_timestamps).
void add_words(const LongFormContext& context, View<const float> audio, const std::string& language,
               int64_t item, int64_t mel_frames, double last_speech,
               std::vector<Segment>& segments);

/// The end of the last word, else of the last segment; nothing if there are none.
std::optional<double> end_of(const std::vector<Segment>& segments);

/// openai-whisper's guard against text made up around silence. Given the segments of a window with
/// their words, drops those that look made up and returns where to go on, in mel frames; nothing
/// where it sees no reason. `again` says that the window's segments count nothing.
struct SilenceGuard {
  double threshold;  // seconds
  int64_t seek;      // of the window
  int64_t size;      // frames of it that are audio
  int64_t frames_per_window;
  int64_t content_frames;
  double last_speech;
};
std::optional<int64_t> skip_made_up(const SilenceGuard& guard, bool single_ending,
                                    std::vector<Segment>& segments, bool& again);

}  // namespace otoscope::model
