#include "otoscope/circuits/dataset.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/store/mel_batch.h"

namespace otoscope::circuits {
namespace {

/// What the decoder is given, and the metric on its logits.
void give_tokens(const model::Whisper& model, const model::Tokenizer& tokenizer,
                 const store::Clip& clip, const std::string& metric, AttributionClip& out) {
  const std::string language = clip.language.empty() ? "en" : clip.language;
  out.tokens = tokenizer.sot_sequence(language, "transcribe", true);
  const auto prompt = static_cast<int64_t>(out.tokens.size());
  if (metric == "no-speech") {
    out.metric = no_speech_log_odds(tokenizer.special(), model.dims().n_vocab);
  } else if (metric == "text") {
    out.metric = text_margin(tokenizer.special(), prompt - 1);
  } else {
    if (!clip.text || clip.text->empty())
      throw UserError(clip.path.string(), "expected a text to force, got none",
                      "the metric words is for speech with texts");
    const std::vector<int64_t> words = tokenizer.encode(" " + *clip.text);
    out.tokens.insert(out.tokens.end(), words.begin(), words.end());
    if (static_cast<int>(out.tokens.size()) > model.dims().n_text_ctx)
      throw UserError(clip.path.string(), "expected a text that the decoder can hold, got " +
                                              std::to_string(words.size()) + " tokens");
    out.metric = span_log_probability(out.tokens, prompt, static_cast<int64_t>(out.tokens.size()));
  }
}

}  // namespace

std::vector<AttributionClip> attribution_clips(const model::Whisper& model,
                                               const model::Tokenizer& tokenizer,
                                               std::span<const store::Clip> clips, bool by_speaker,
                                               const std::string& metric, Progress& progress) {
  const model::Dims& dims = model.dims();
  std::vector<AttributionClip> out;
  progress.start("reading clips", static_cast<int64_t>(clips.size()), "clips");
  for (const store::Clip& clip : clips) {
    throw_if_interrupted();
    store::MelBatch sound =
        store::mel_batch(1, dims, [&](int64_t) { return store::window_samples(clip, dims); });
    if (sound.valid[0] == 0) throw UserError(clip.path.string(), "expected sound, got none");
    AttributionClip one;
    one.frames = sound.valid[0];
    one.mel = std::move(sound.mel);
    one.mel.reshape({dims.n_mel_frames(), dims.n_mels});
    give_tokens(model, tokenizer, clip, metric, one);
    one.cluster =
        !clip.speech && !clip.source.empty() ? clip.source : store::cluster_of(clip, by_speaker);
    out.push_back(std::move(one));
    progress.advance(static_cast<int64_t>(out.size()));
  }
  progress.finish();
  return out;
}

}  // namespace otoscope::circuits
