#pragma once
/// Text where nobody speaks (methods.md §1.10, §5.6): which windows are listened to, what the model
/// writes for them, and the rates with their intervals. One clip of at most one window stands alone
/// in its window; greedy, temperature 0, timestamps on, no fallback, no previous text.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/whisper.h"
#include "otoscope/store/manifest.h"

namespace otoscope::steer {

/// train and dev choose, test reports.
enum class Part : uint8_t { train, dev, test };
std::string_view part_name(Part part);

struct SoundWindow {
  store::Clip clip;
  std::string cluster;  // source of a sound, prompt id (or speaker) of speech
  Part part = Part::test;
  bool speech = false;
  std::string reference;  // of speech: normalised
  int64_t words = 0;      // of the reference
};

/// Clips without speech, by hash of their source 40 % train, 20 % dev, 40 % test: the usual tenth
/// would leave too few sources for an interval. A `split` key wins. At most `per_source` of one
/// source (0 = all), so that no drum kit outweighs the rest. Train, dev, test, each in the order of
/// a hash of the ids, the first `limit` of each (0 = all). UserError if there are none.
std::vector<SoundWindow> choose_sounds(const store::Manifest& manifest, int per_source,
                                       int64_t limit_choosing = 0, int64_t limit_test = 0);

/// Clips of at most one window with text and a language that the model knows. By hash of the
/// cluster `choosing` of them (a share) choose, of which a third is dev; all others are test: they
/// were not used in the selection. Order and limits as above.
std::vector<SoundWindow> choose_speech(const store::Manifest& manifest,
                                       const model::Tokenizer& tokenizer, const model::Dims& dims,
                                       double choosing, int64_t limit_choosing, int64_t limit_test);

/// What the model wrote for one window.
struct Heard {
  std::string text;        // as decoded
  std::string normalised;  // by Whisper's normaliser; special tokens that were written count
  std::string language;    // forced or detected
  double no_speech = 0, avg_logprob = 0, compression = 0;
  int64_t tokens = 0;

  bool wrote() const { return !normalised.empty(); }
  /// Whisper's own filter: silence where the no-speech token is likely and the text improbable.
  bool filtered() const { return no_speech > kNoSpeech && avg_logprob < kLogprob; }
  bool kept() const { return wrote() && !filtered(); }

  static constexpr double kNoSpeech = 0.6, kLogprob = -1.0;
};

/// What is known of a window without a model: whatever claims to hear speech must beat it.
struct Loudness {
  double rms_db = 0;   // of the samples, dB of full scale, -120 at least
  double seconds = 0;  // of audio
};

struct HearOptions {
  /// "" detects, else forced; speech always has its own language.
  std::string language = "en";
  int sample_len = 0;  // most tokens, 0 = the model's default (224)
  int batch = 16;
};

/// One batch on its way into the model.
struct HeardBatch {
  std::span<const SoundWindow> windows;
  int64_t first = 0;  // of the windows that were given
  Tensor<float> mel;
  std::vector<int64_t> item;
  std::vector<int32_t> valid;
  std::vector<Loudness> loudness;
  model::Rows rows() const;
};

/// Reads the sound of windows [first, first + n). UserError names the file.
HeardBatch load_batch(std::span<const SoundWindow> windows, int64_t first, int64_t n,
                      const model::Dims& dims);
/// Decodes encoder output (B, frames, d) -> what was heard.
std::vector<Heard> decode_batch(const model::Whisper& model, const model::Tokenizer& tokenizer,
                                const HeardBatch& batch, View<const float> audio,
                                const HearOptions& options, model::Hooks hooks = {});

/// Share of windows that `event` holds for: Wilson's interval counts windows as if they were
/// independent, the bootstrap resamples sources.
struct Share {
  Estimate wilson, by_source;
};
Share share_of(std::span<const SoundWindow> windows, const std::vector<uint8_t>& event,
               uint64_t seed, int replicates = 2000);

/// The most frequent normalised texts.
struct TextCount {
  std::string text;
  int64_t windows = 0, sources = 0;
};
std::vector<TextCount> frequent_texts(std::span<const SoundWindow> windows,
                                      std::span<const Heard> heard, size_t most = 20);

/// Word error rate of `heard` on speech, and its paired rise over `clean`, clusters resampled.
struct Guard {
  Estimate wer, clean_wer, rise;  // fractions
  Estimate emptied;               // share of clips with text before and none now (Clopper-Pearson)
  int64_t changed = 0, words = 0, clips = 0;
  /// The largest rise that 95 % allow: rise.high, and where no text changed 3 / clips, the rule of
  /// three (a clip that is lost costs its words).
  double upper() const;
  /// upper() <= limit, on at least kLeastWords.
  bool holds(double limit) const;
  static constexpr int64_t kLeastWords = 10000;
  /// Words at which the upper bound would come down to `margin`, if more clusters were like these
  /// (half-widths shrink with the root of their number); infinite where the rise itself is over it.
  double words_for(double margin) const;
};
Guard guard_of(std::span<const SoundWindow> windows, std::span<const Heard> clean,
               std::span<const Heard> heard, uint64_t seed, int replicates = 2000);

}  // namespace otoscope::steer
