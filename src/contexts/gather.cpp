#include "otoscope/contexts/gather.h"

#include <algorithm>

#include "otoscope/audio/time.h"
#include "otoscope/contexts/nuisance.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"
#include "otoscope/model/normalizer.h"
#include "otoscope/model/wer.h"
#include "otoscope/store/mel_batch.h"

namespace otoscope::contexts {
namespace {

/// Item i of the batch goes to line i.
class PoolHook : public model::Hook {
 public:
  PoolHook(const model::Site& site, const Pooler& pooler, Pooled& into)
      : site_(site), pooler_(pooler), into_(into) {}
  model::Want ask(const model::Site& site) override {
    return site == site_ ? model::Want::observe : model::Want::none;
  }
  void observe(const model::Site&, const model::Rows& rows, View<const float> x) override {
    for (int64_t b = 0; b < x.shape[0]; ++b) {
      const auto at = static_cast<size_t>(b);
      const int64_t valid = std::min<int64_t>(rows.valid[at], x.shape[1]);
      pooler_.add(x.sub(b).slice(0, valid), rows.item[at], into_);
    }
  }

 private:
  model::Site site_;
  const Pooler& pooler_;
  Pooled& into_;
};

steer::SoundWindow window_of(const store::Clip& clip, const model::Tokenizer& tokenizer) {
  steer::SoundWindow window;
  window.clip = clip;
  if (window.clip.language.empty()) window.clip.language = "en";
  window.speech = clip.speech && tokenizer.knows(window.clip.language);
  if (window.speech && clip.text) {
    window.reference = trimmed(model::normalize(*clip.text, window.clip.language));
    window.words = model::word_errors(window.reference, "").reference();
  }
  return window;
}

/// Sound of a batch: mel, valid frames, and the lines that need no model.
void load(steer::HeardBatch& batch, const model::Dims& dims, const GatherOptions& options,
          Gathered& into) {
  const auto n = static_cast<int64_t>(batch.windows.size());
  std::vector<int64_t> mel_frames(static_cast<size_t>(n));
  store::MelBatch sound = store::mel_batch(n, dims, [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    const store::Clip& clip = batch.windows[at].clip;
    std::vector<float> pcm = store::window_samples(clip, dims);
    if (!options.steps.empty()) {
      Rng rng(options.seed, "contexts: gather " + clip.id);
      pcm = transformed(pcm, options.steps, rng);
    }
    const auto samples = static_cast<int64_t>(pcm.size());
    mel_frames[at] = std::min<int64_t>(dims.n_mel_frames(),
                                       (samples + audio::kHopSamples - 1) / audio::kHopSamples);
    const auto nuisances = nuisances_of(pcm);
    std::copy(nuisances.begin(), nuisances.end(), into.nuisances.view().row(batch.first + i));
    return pcm;
  });
  for (int64_t i = 0; i < n; ++i)
    pool_rows(sound.mel.view().sub(i).slice(0, mel_frames[static_cast<size_t>(i)]),
              into.mel.view().row(batch.first + i));
  batch.mel = std::move(sound.mel), batch.valid = std::move(sound.valid);
}

}  // namespace

Gathered gather(const model::Whisper& model, const model::Tokenizer& tokenizer,
                std::span<const store::Clip> clips, const sae::Sae* sae,
                const GatherOptions& options, Progress& progress, model::Hooks hooks) {
  const model::Dims& dims = model.dims();
  if (options.site.stack != model::Stack::encoder || !model::is_row_site(options.site) ||
      model::site_positions(dims, options.site) != dims.n_audio_ctx)
    throw UserError(model::site_name(options.site),
                    "expected a site of the encoder with one row per position");
  const int64_t d = model::site_width(dims, options.site);
  if (sae != nullptr && sae->d() != d)
    throw UserError(sae->folder.string(), "expected an SAE of width " + std::to_string(d) +
                                              ", got " + std::to_string(sae->d()));
  const auto n = static_cast<int64_t>(clips.size());
  Gathered all;
  all.pooled = Pooled(n, sae == nullptr ? 0 : sae->F(), d);
  all.mel = Tensor<float>(Shape{n, 2 * dims.n_mels});
  all.nuisances = Tensor<float>(Shape{n, kNuisanceCount});
  for (const store::Clip& clip : clips) all.windows.push_back(window_of(clip, tokenizer));
  const Pooler pooler(sae);
  PoolHook pool(options.site, pooler, all.pooled);
  std::vector<model::Hook*> encoder_hooks(hooks.begin(), hooks.end());
  encoder_hooks.push_back(&pool);
  progress.start(options.decode ? "listen" : "encode", n, "clips");
  for (int64_t first = 0; first < n; first += options.batch) {
    throw_if_interrupted();
    const int64_t count = std::min<int64_t>(options.batch, n - first);
    steer::HeardBatch batch;
    batch.windows =
        std::span(all.windows).subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    batch.first = first;
    for (int64_t i = 0; i < count; ++i) batch.item.push_back(first + i);
    load(batch, dims, options, all);
    const Tensor<float> audio =
        model.encode(batch.mel, batch.rows(), encoder_hooks,
                     options.decode ? std::optional<model::Site>() : std::optional(options.site));
    if (options.decode)
      for (steer::Heard& heard : steer::decode_batch(model, tokenizer, batch, audio, {}, hooks))
        all.heard.push_back(std::move(heard));
    progress.advance(first + count);
  }
  progress.finish();
  return all;
}

}  // namespace otoscope::contexts
