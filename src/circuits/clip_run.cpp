#include "circuits/clip_run.h"

#include <map>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics/bootstrap.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::circuits {

ReadySae::ReadySae(const model::Whisper& model, const SiteSae& site)
    : site_(site.site), sae_(site.sae), reference_(site.reference) {
  OTO_ASSERT(sae_ != nullptr);
  const std::string name = model::site_name(site_);
  const bool resumable = site_.stack == model::Stack::decoder || model::can_resume_at(site_);
  if (!model::is_row_site(site_) || !resumable)
    throw UserError(name,
                    "expected a site of the encoder's residual stream or a row site of the "
                    "decoder, got another");
  const int64_t d = model::site_width(model.dims(), site_);
  if (sae_->d() != d || sae_->d_out() != d)
    throw UserError(name, "expected an SAE of width " + std::to_string(d) + ", got " +
                              std::to_string(sae_->d()));
  if (sae_->normalize != sae::Normalize::none || sae_->rescale_by_decoder_norm ||
      !sae_->W_skip.empty())
    throw UserError(name,
                    "expected an SAE whose output is the sum of its features, got rows that "
                    "are normalised one by one, codes in units of norms, or a skip");
  if (!reference_.empty() && static_cast<int64_t>(reference_.size()) != sae_->F())
    throw UserError(name, "expected " + std::to_string(sae_->F()) + " reference values, got " +
                              std::to_string(reference_.size()));
  encoder_ = std::make_unique<sae::Encoder>(*sae_);
  reference_sum_ = Tensor<float>({d});
  for (int64_t f = 0; f < F(); ++f)
    if (reference(f) != 0)
      kernels::axpy(reference(f), {sae_->W_dec.view().row(f), Shape{d}}, reference_sum_);
}

int64_t ReadySae::positions(const AttributionClip& clip) const {
  return site_.stack == model::Stack::encoder ? clip.frames
                                              : static_cast<int64_t>(clip.tokens.size());
}

void ReadySae::features_sum(const SparseRows& codes, View<float> out) const {
  kernels::sparse_decode(codes, sae_->W_dec, {}, out);
}

std::vector<ReadySae> ready(const model::Whisper& model, std::span<const SiteSae> sites) {
  if (sites.empty()) throw UserError("attribution", "expected an SAE at a site, got none");
  std::vector<ReadySae> out;
  out.reserve(sites.size());
  for (const SiteSae& site : sites) out.emplace_back(model, site);
  return out;
}

void check_clips(const model::Whisper& model, std::span<const AttributionClip> clips) {
  const model::Dims& dims = model.dims();
  if (clips.empty()) throw UserError("attribution", "expected clips, got none");
  for (size_t i = 0; i < clips.size(); ++i) {
    const AttributionClip& clip = clips[i];
    const std::string where = "clip " + std::to_string(i);
    if (!(clip.mel.shape() == Shape{dims.n_mel_frames(), dims.n_mels}))
      throw UserError(where, "expected a mel of shape " +
                                 Shape{dims.n_mel_frames(), dims.n_mels}.str() + ", got " +
                                 clip.mel.shape().str());
    if (clip.frames < 1 || clip.frames > dims.n_audio_ctx)
      throw UserError(where, "expected 1 to " + std::to_string(dims.n_audio_ctx) + " frames, got " +
                                 std::to_string(clip.frames));
    if (clip.tokens.empty() || static_cast<int>(clip.tokens.size()) > dims.n_text_ctx)
      throw UserError(where, "expected 1 to " + std::to_string(dims.n_text_ctx) + " tokens, got " +
                                 std::to_string(clip.tokens.size()));
    if (!clip.metric.of) throw UserError(where, "expected a metric, got none");
  }
}

View<const float> mel_of(const AttributionClip& clip) {
  return {clip.mel.data(), Shape{1, clip.mel.shape()[0], clip.mel.shape()[1]}};
}
View<const int64_t> tokens_of(const AttributionClip& clip) {
  return {clip.tokens.data(), Shape{1, static_cast<int64_t>(clip.tokens.size())}};
}

double metric_value(const AttributionClip& clip, View<const float> logits) {
  Tensor<float> unused({logits.shape[1], logits.shape[2]});
  return clip.metric.of(logits.sub(0), unused);
}

Clusters clusters_of(std::span<const AttributionClip> clips) {
  Clusters clusters;
  std::map<std::string, int32_t> known;
  for (const AttributionClip& clip : clips) {
    const auto next = static_cast<int32_t>(known.size());
    clusters.of.push_back(known.try_emplace(clip.cluster, next).first->second);
  }
  clusters.count = static_cast<int64_t>(known.size());
  return clusters;
}

Estimate mean_over_clips(std::span<const double> values, const Clusters& clusters, uint64_t seed,
                         int replicates) {
  std::vector<double> sums(static_cast<size_t>(clusters.count)), counts(sums.size());
  for (size_t i = 0; i < values.size(); ++i) {
    sums[static_cast<size_t>(clusters.of[i])] += values[i];
    counts[static_cast<size_t>(clusters.of[i])] += 1;
  }
  return bootstrap_ratio(sums, counts, static_cast<int64_t>(values.size()), seed, replicates);
}

}  // namespace otoscope::circuits
