#include "otoscope/model/frozen.h"

#include "model/frozen/impl.h"
#include "otoscope/core/errors.h"

namespace otoscope::model {

FrozenModel::FrozenModel(const Whisper& model, View<const float> mel, View<const int64_t> tokens,
                         int64_t frames, Hooks hooks)
    : impl_(std::make_unique<Impl>(model.weights(), frames,
                                   tokens.shape.rank() == 2 ? tokens.shape[1] : 0, hooks)) {
  if (model.precision() != Precision::f32)
    throw UserError("model", "expected a model in fp32, got bf16",
                    "edges are exact in fp32 only; load it with --precision f32");
  if (frames < 1 || frames > model.dims().n_audio_ctx)
    throw UserError("frames", "expected 1 to " + std::to_string(model.dims().n_audio_ctx) +
                                  ", got " + std::to_string(frames));
  if (mel.shape.rank() != 3 || mel.shape[0] != 1 || impl_->n_tokens < 1 || tokens.shape[0] != 1)
    throw UserError("frozen model", "expected one window and its tokens");
  Hook* const own[] = {&impl_->record};
  Rows rows;
  const std::vector<int32_t> valid = {static_cast<int32_t>(frames)};
  rows.valid = valid;
  const Tensor<float> audio = model.encode(mel, rows, own);
  model.decode_forced(audio, tokens, {}, own);
}

FrozenModel::~FrozenModel() = default;
FrozenModel::FrozenModel(FrozenModel&&) noexcept = default;

int64_t FrozenModel::frames() const { return impl_->frames; }
int64_t FrozenModel::tokens() const { return impl_->n_tokens; }

View<const float> FrozenModel::value(const Site& site) const {
  const auto found = impl_->record.values.find(site);
  if (found == impl_->record.values.end())
    throw UserError(site_name(site), "expected a site that the frozen map keeps, got another");
  return found->second.view();
}

std::vector<double> FrozenModel::cross_mass() const {
  std::vector<double> mass(static_cast<size_t>(impl_->frames));
  for (const FrozenAttention& cross : impl_->record.cross) {
    const int64_t H = cross.pattern.shape()[0], Q = cross.pattern.shape()[1],
                  K = cross.pattern.shape()[2];
    for (int64_t h = 0; h < H; ++h)
      for (int64_t k = 0; k < K; ++k)
        mass[static_cast<size_t>(k)] +=
            static_cast<double>(cross.pattern[(h * Q + Q - 1) * K + k]) /
            static_cast<double>(H * static_cast<int64_t>(impl_->record.cross.size()));
  }
  return mass;
}

void FrozenModel::set_skip(Stack stack, int block, View<const float> W) {
  const int64_t d = impl_->w.dims.n_audio_state;
  OTO_ASSERT((W.shape == Shape{d, d}));
  impl_->skips.insert_or_assign(Site{stack, Point::ln2, block}, W);
}

View<const float> unembedding(const Whisper& model) {
  return model.weights().token_embedding.view();
}

View<const float> last_gain(const Whisper& model) { return model.weights().ln.gain.view(); }

}  // namespace otoscope::model
