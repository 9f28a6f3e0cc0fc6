#pragma once
/// One clip through the model with SAEs at its sites: what attribution and ablation share.

#include <optional>

#include "otoscope/circuits/attribution.h"
#include "otoscope/model/hook.h"
#include "otoscope/model/vjp.h"

namespace otoscope::circuits {

/// An SAE ready to run, with what its features' references add up to.
class ReadySae {
 public:
  /// UserError if the SAE does not fit the site or is not affine in its codes.
  ReadySae(const model::Whisper& model, const SiteSae& site);

  const model::Site& site() const { return site_; }
  const sae::Sae& sae() const { return *sae_; }
  int64_t F() const { return sae_->F(); }
  float reference(int64_t feature) const {
    return reference_.empty() ? 0.0f : reference_[static_cast<size_t>(feature)];
  }
  /// sum over all features of ref_s d_s, (d).
  View<const float> reference_sum() const { return reference_sum_.view(); }
  /// Rows of the site that count: frames with audio, or the clip's tokens.
  int64_t positions(const AttributionClip& clip) const;
  void encode(View<const float> x, SparseRows& codes) const { encoder_->encode(x, codes); }
  /// sum of codes times directions, without b_dec.   out: (rows, d)
  void features_sum(const SparseRows& codes, View<float> out) const;

 private:
  model::Site site_;
  const sae::Sae* sae_;
  std::vector<float> reference_;
  Tensor<float> reference_sum_;
  std::unique_ptr<sae::Encoder> encoder_;
};

std::vector<ReadySae> ready(const model::Whisper& model, std::span<const SiteSae> sites);

/// UserError "[clip N] …" where a clip does not fit the model.
void check_clips(const model::Whisper& model, std::span<const AttributionClip> clips);

/// The clip's mel as (1, mel frames, mels) and its tokens as (1, n).
View<const float> mel_of(const AttributionClip& clip);
View<const int64_t> tokens_of(const AttributionClip& clip);

/// M of logits (1, n, V).
double metric_value(const AttributionClip& clip, View<const float> logits);

/// Clusters by number, in order of first appearance.
struct Clusters {
  std::vector<int32_t> of;  // by clip
  int64_t count = 0;
};
Clusters clusters_of(std::span<const AttributionClip> clips);

/// Mean of values over clips, clusters resampled.
Estimate mean_over_clips(std::span<const double> values, const Clusters& clusters, uint64_t seed,
                         int replicates);

}  // namespace otoscope::circuits
