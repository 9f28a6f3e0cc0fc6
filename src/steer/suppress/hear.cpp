/// From windows to what the model writes for them.
#include <algorithm>
#include <cmath>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/model/normalizer.h"
#include "otoscope/steer/hallucination.h"
#include "otoscope/store/mel_batch.h"

namespace otoscope::steer {
namespace {

constexpr double kQuietest = -120;  // dB

double rms_db(std::span<const float> pcm) {
  double sum = 0;
  for (const float x : pcm) sum += static_cast<double>(x) * static_cast<double>(x);
  if (pcm.empty() || sum == 0) return kQuietest;
  return std::max(kQuietest, 10 * std::log10(sum / static_cast<double>(pcm.size())));
}

/// Special tokens that the model writes ("<|vi|>") are text that its user sees; the normaliser
/// would delete them with everything in brackets, and an edit that breaks the model would pass for
/// silence.
std::string with_specials(std::string text) {
  for (const std::string_view mark : {"<|", "|>"})
    for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at))
      text.replace(at, mark.size(), 1, ' ');
  return text;
}

}  // namespace

model::Rows HeardBatch::rows() const {
  model::Rows rows;
  rows.B = static_cast<int64_t>(windows.size());
  rows.item = item;
  rows.valid = valid;
  return rows;
}

HeardBatch load_batch(std::span<const SoundWindow> windows, int64_t first, int64_t n,
                      const model::Dims& dims) {
  HeardBatch batch;
  batch.windows = windows.subspan(static_cast<size_t>(first), static_cast<size_t>(n));
  batch.first = first;
  batch.loudness.resize(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) batch.item.push_back(first + i);
  store::MelBatch sound = store::mel_batch(n, dims, [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    std::vector<float> pcm = store::window_samples(batch.windows[at].clip, dims);
    batch.loudness[at] = {rms_db(pcm), audio::seconds_of_samples(static_cast<int64_t>(pcm.size()))};
    return pcm;
  });
  batch.mel = std::move(sound.mel), batch.valid = std::move(sound.valid);
  return batch;
}

std::vector<Heard> decode_batch(const model::Whisper& model, const model::Tokenizer& tokenizer,
                                const HeardBatch& batch, View<const float> audio,
                                const HearOptions& options, model::Hooks hooks) {
  model::DecodeOptions decoding;
  decoding.sample_len = options.sample_len;
  decoding.batch = options.batch;
  for (const SoundWindow& window : batch.windows)
    decoding.languages.push_back(window.speech ? window.clip.language : options.language);
  const auto results = model::decode(model, tokenizer, audio, decoding, batch.item, hooks);
  std::vector<Heard> heard;
  for (const model::DecodeResult& result : results) {
    Heard h;
    h.text = result.text;
    h.language = result.language;
    h.normalised = trimmed(model::normalize(with_specials(result.text), result.language));
    h.no_speech = result.no_speech_prob;
    h.avg_logprob = result.avg_logprob;
    h.compression = result.compression_ratio;
    h.tokens = static_cast<int64_t>(result.tokens.size());
    heard.push_back(std::move(h));
  }
  return heard;
}

}  // namespace otoscope::steer
