#include "otoscope/model/whisper.h"

#include <algorithm>

#include "model/decoder.h"
#include "model/encoder.h"
#include "otoscope/core/errors.h"
#include "otoscope/model/cache.h"

namespace otoscope::model {
namespace {

void check_shape(const char* where, const Shape& got, const Shape& expected) {
  if (!(got == expected))
    throw UserError(where, "expected shape " + expected.str() + ", got " + got.str());
}

void check_audio(const Dims& dims, View<const float> audio) {
  const int64_t B = audio.shape.rank() > 0 ? audio.shape[0] : 0;
  check_shape("audio", audio.shape, {B, dims.n_audio_ctx, dims.n_audio_state});
}

void check_tokens(const Dims& dims, View<const int64_t> tokens, int64_t B, int64_t past,
                  int64_t room) {
  if (tokens.shape.rank() != 2 || tokens.shape[0] != B || tokens.shape[1] < 1)
    throw UserError("tokens",
                    "expected shape (" + std::to_string(B) + ", n > 0), got " + tokens.shape.str());
  const int64_t most = std::min<int64_t>(dims.n_text_ctx, room);
  if (past + tokens.shape[1] > most)
    throw UserError("tokens",
                    "expected at most " + std::to_string(most) + " positions, got " +
                        std::to_string(past + tokens.shape[1]),
                    "the model's text context is " + std::to_string(dims.n_text_ctx));
}

}  // namespace

Whisper::Whisper() = default;
Whisper::Whisper(Whisper&&) noexcept = default;
Whisper& Whisper::operator=(Whisper&&) noexcept = default;
Whisper::~Whisper() = default;

const Dims& Whisper::dims() const { return weights_->dims; }
const std::string& Whisper::hash() const { return weights_->hash; }
const std::filesystem::path& Whisper::folder() const { return weights_->folder; }
Precision Whisper::precision() const { return weights_->precision; }

Tensor<float> Whisper::encode(View<const float> mel, Rows rows, Hooks hooks,
                              std::optional<Site> until) const {
  const Dims& d = dims();
  const int64_t B = mel.shape.rank() > 0 ? mel.shape[0] : 0;
  check_shape("mel", mel.shape, {B, d.n_mel_frames(), d.n_mels});
  const HookTable table(d, hooks);
  if (B == 0) return Tensor<float>({0, d.n_audio_ctx, d.n_audio_state});
  const FilledRows filled(rows, Pass::encoder, B, d.n_audio_ctx, 0, -1);
  try {
    return run_encoder(*weights_, {table, Stack::encoder, filled.rows(), until}, mel);
  } catch (const StopReached&) {
    return {};
  }
}

Tensor<float> Whisper::encode_from(const Site& site, View<const float> x, Rows rows,
                                   Hooks hooks) const {
  const Dims& d = dims();
  const int64_t B = x.shape.rank() > 0 ? x.shape[0] : 0;
  check_shape("encode_from", x.shape, {B, d.n_audio_ctx, d.n_audio_state});
  const std::vector<Site> known = all_sites(d);
  if (!can_resume_at(site) || std::find(known.begin(), known.end(), site) == known.end())
    throw UserError("encode_from",
                    "expected a site of the encoder's residual stream, got " + site_name(site),
                    "resume at encoder.embed, resid_pre, resid_mid, resid_post or encoder.out");
  const HookTable table(d, hooks);
  if (B == 0) return Tensor<float>({0, d.n_audio_ctx, d.n_audio_state});
  const FilledRows filled(rows, Pass::encoder, B, d.n_audio_ctx, 0, -1);
  return resume_encoder(*weights_, {table, Stack::encoder, filled.rows(), {}}, site, x);
}

Tensor<float> Whisper::decode_forced(View<const float> audio, View<const int64_t> tokens, Rows rows,
                                     Hooks hooks, std::optional<Site> until) const {
  check_audio(dims(), audio);
  const int64_t B = audio.shape[0];
  check_tokens(dims(), tokens, B, 0, dims().n_text_ctx);
  const HookTable table(dims(), hooks);
  if (B == 0) return Tensor<float>({0, tokens.shape[1], dims().n_vocab});
  const FilledRows filled(rows, Pass::decoder_forced, B, tokens.shape[1], 0, -1);
  const Probe probe{table, Stack::decoder, filled.rows(), until};
  try {
    return DecoderPass(*weights_, probe).forced(audio, tokens);
  } catch (const StopReached&) {
    return {};
  }
}

KvCache Whisper::make_cache(View<const float> audio, int64_t max_tokens, Rows rows,
                            Hooks hooks) const {
  check_audio(dims(), audio);
  const int64_t room = std::clamp<int64_t>(max_tokens, 1, dims().n_text_ctx);
  const HookTable table(dims(), hooks);
  const FilledRows filled(rows, Pass::decoder_cached, audio.shape[0], dims().n_audio_ctx, 0, -1);
  const Probe probe{table, Stack::decoder, filled.rows(), {}};
  return DecoderPass::make_cache(*weights_, probe, audio, room);
}

Tensor<float> Whisper::decode_step(KvCache& cache, View<const int64_t> tokens, Rows rows,
                                   Hooks hooks, bool all_positions) const {
  check_tokens(dims(), tokens, cache.rows(), cache.length(), cache.capacity());
  const HookTable table(dims(), hooks);
  const FilledRows filled(rows, Pass::decoder_cached, cache.rows(), tokens.shape[1], cache.length(),
                          DecoderPass::steps(cache));
  const Probe probe{table, Stack::decoder, filled.rows(), {}};
  return DecoderPass(*weights_, probe).step(cache, tokens, all_positions);
}

}  // namespace otoscope::model
