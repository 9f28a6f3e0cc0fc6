#include "otoscope/circuits/attribution.h"

#include <algorithm>
#include <cmath>

#include "circuits/clip_run.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::circuits {
namespace {

using model::Point;
using model::Site;
using model::Stack;
using model::Tape;

const Site kLogits{Stack::decoder, Point::logits, -1};

/// The model with the site's value set to x, as a tape.
Tape tape_with(const model::Whisper& model, const Site& site, View<const float> audio,
               View<const float> x, View<const int64_t> tokens) {
  if (site.stack == Stack::encoder) return Tape::resumed(model, site, x, tokens);
  model::Edit edit(site, [&](const model::Rows&, View<float> value) {
    std::copy_n(x.data, x.size(), value.data);
  });
  model::Hook* const hooks[] = {&edit};
  return Tape::resumed(model, {Stack::encoder, Point::out, -1}, audio, tokens, {}, hooks);
}

/// One clip at one site.
class ClipAttribution {
 public:
  ClipAttribution(const model::Whisper& model, const ReadySae& sae, const AttributionClip& clip,
                  View<const float> audio, View<const float> x)
      : model_(model),
        sae_(sae),
        clip_(clip),
        audio_(audio),
        x_(x),
        valid_(x.sub(0).slice(0, sae.positions(clip))),
        kept_(Tensor<float>::uninitialized(valid_.shape)) {
    sae_.encode(valid_, codes_);
    sae_.features_sum(codes_, kept_);
  }

  const SparseRows& codes() const { return codes_; }

  /// Mean dM/dx over the points of the integral, (positions, d); M of the untouched model.
  Tensor<float> mean_gradient(int steps, double& metric) const {
    Tensor<float> mean(valid_.shape);
    for (int i = 0; i < steps; ++i) {
      throw_if_interrupted();
      double value = 0;
      const Tensor<float> g = gradient(static_cast<float>(i) / static_cast<float>(steps), value);
      if (i == 0) metric = value;
      kernels::axpy(1.0f / static_cast<float>(steps), {g.data(), mean.shape()}, mean);
    }
    return mean;
  }

  /// M with all features at their reference.
  double metric_at_reference() const {
    const Tensor<float> moved = moved_to(1);
    const Tape tape = tape_with(model_, sae_.site(), audio_, moved, tokens_of(clip_));
    return metric_value(clip_, tape.value(kLogits));
  }

  /// E of every feature; returns the error's.
  float effects(View<const float> g, float* out) const {
    const int64_t n = valid_.rows(), d = valid_.width(), F = sae_.F();
    std::vector<double> sum(static_cast<size_t>(F));
    // What setting every feature to its reference would add if nothing fired ...
    if (kernels::squared_norm(sae_.reference_sum()) > 0) {
      Tensor<float> total({1, d}), each({1, F});
      for (int64_t t = 0; t < n; ++t) kernels::add({g.row(t), total.shape()}, total);
      kernels::gemm({total.view()}, kernels::transposed(sae_.sae().W_dec), each);
      for (int64_t f = 0; f < F; ++f)
        sum[static_cast<size_t>(f)] =
            static_cast<double>(sae_.reference(f)) * static_cast<double>(each[f]);
    }
    // ... and what the firings that are taken away give.
    for (int64_t t = 0; t < n; ++t)
      for (int64_t e = codes_.indptr[static_cast<size_t>(t)];
           e < codes_.indptr[static_cast<size_t>(t + 1)]; ++e) {
        const int32_t f = codes_.indices[static_cast<size_t>(e)];
        sum[static_cast<size_t>(f)] -=
            static_cast<double>(codes_.values[static_cast<size_t>(e)]) *
            static_cast<double>(kernels::dot(g.row(t), sae_.sae().W_dec.view().row(f), d));
      }
    for (int64_t f = 0; f < F; ++f) out[f] = static_cast<float>(sum[static_cast<size_t>(f)]);
    double error = 0;
    for (int64_t t = 0; t < n; ++t)
      for (int64_t j = 0; j < d; ++j)
        error -= static_cast<double>(g.at(t, j)) *
                 (static_cast<double>(valid_.at(t, j)) - static_cast<double>(kept_.at(t, j)) -
                  static_cast<double>(sae_.sae().b_dec[j]));
    return static_cast<float>(error);
  }

 private:
  /// x with its features a share `at` of the way to their references.
  Tensor<float> moved_to(float at) const {
    Tensor<float> moved = Tensor<float>::copy_of(x_);
    const int64_t d = valid_.width();
    for (int64_t t = 0; t < valid_.rows(); ++t)
      for (int64_t j = 0; j < d; ++j)
        moved.view().row(t)[j] += at * (sae_.reference_sum()[j] - kept_.at(t, j));
    return moved;
  }

  Tensor<float> gradient(float at, double& metric) const {
    const Tensor<float> moved = moved_to(at);
    const Tape tape = tape_with(model_, sae_.site(), audio_, moved, tokens_of(clip_));
    const View<const float> logits = tape.value(kLogits);
    Tensor<float> cotangent(logits.shape);
    metric = clip_.metric.of(logits.sub(0), cotangent.view().sub(0));
    const model::Cotangent read{kLogits, cotangent.view()};
    return std::move(tape.gradients(std::span(&read, 1), std::span(&sae_.site(), 1))[0]);
  }

  const model::Whisper& model_;
  const ReadySae& sae_;
  const AttributionClip& clip_;
  View<const float> audio_, x_;
  View<const float> valid_;  // rows that count
  Tensor<float> kept_;       // sum of features, without b_dec
  SparseRows codes_;
};

/// Interval and share of agreement of the features with the largest mean effect.
void summarise(const AttributionOptions& options, const Clusters& clusters,
               const std::vector<double>& activation,
               const std::vector<std::vector<uint8_t>>& fired, SiteAttribution& site) {
  const int64_t n = site.effects.shape()[0];
  for (const int32_t f : top_features(site, options.top)) {
    FeatureEffect effect;
    effect.feature = f;
    std::vector<double> signed_values, sizes;
    for (int64_t c = 0; c < n; ++c) {
      signed_values.push_back(static_cast<double>(site.effects.at(c, f)));
      sizes.push_back(std::fabs(signed_values.back()));
    }
    effect.effect = mean_over_clips(signed_values, clusters, options.seed, options.replicates);
    effect.magnitude = mean_over_clips(sizes, clusters, options.seed, options.replicates);
    effect.activation = activation[static_cast<size_t>(f)];
    int64_t agree = 0;
    for (int64_t c = 0; c < n; ++c) {
      if (!fired[static_cast<size_t>(c)][static_cast<size_t>(f)]) continue;
      ++effect.clips;
      agree += (site.effects.at(c, f) > 0) == (effect.effect.value > 0);
    }
    effect.same_sign =
        effect.clips == 0 ? 0.0 : static_cast<double>(agree) / static_cast<double>(effect.clips);
    site.top.push_back(effect);
  }
  std::stable_sort(site.top.begin(), site.top.end(), [](const auto& a, const auto& b) {
    return std::fabs(a.effect.value) > std::fabs(b.effect.value);
  });
}

}  // namespace

std::vector<int32_t> top_features(const SiteAttribution& site, int k) {
  const int64_t n = site.effects.shape()[0], F = site.effects.shape()[1];
  std::vector<double> mean(static_cast<size_t>(F));
  for (int64_t c = 0; c < n; ++c)
    for (int64_t f = 0; f < F; ++f)
      mean[static_cast<size_t>(f)] += static_cast<double>(site.effects.at(c, f));
  std::vector<int32_t> order;
  for (int32_t f = 0; f < F; ++f)
    if (mean[static_cast<size_t>(f)] != 0) order.push_back(f);
  const auto count = std::min<size_t>(static_cast<size_t>(std::max(k, 0)), order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(count), order.end(),
                    [&](int32_t a, int32_t b) {
                      const double x = std::fabs(mean[static_cast<size_t>(a)]),
                                   y = std::fabs(mean[static_cast<size_t>(b)]);
                      return x != y ? x > y : a < b;
                    });
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

std::vector<float> mean_codes(const model::Whisper& model, const SiteSae& site,
                              std::span<const AttributionClip> clips, Progress& progress) {
  const ReadySae sae(model, {site.site, site.sae, {}});
  check_clips(model, clips);
  std::vector<double> sum(static_cast<size_t>(sae.F()));
  int64_t rows = 0;
  progress.start("mean codes", static_cast<int64_t>(clips.size()), "clips");
  for (size_t i = 0; i < clips.size(); ++i) {
    throw_if_interrupted();
    model::Recorder recorder({site.site});
    model::Hook* const hooks[] = {&recorder};
    if (site.site.stack == Stack::encoder)
      model.encode(mel_of(clips[i]), {}, hooks, site.site);
    else
      model.decode_forced(model.encode(mel_of(clips[i])), tokens_of(clips[i]), {}, hooks);
    SparseRows codes;
    const View<const float> x = recorder.last(site.site).view();
    sae.encode(x.sub(0).slice(0, sae.positions(clips[i])), codes);
    for (size_t e = 0; e < codes.indices.size(); ++e)
      sum[static_cast<size_t>(codes.indices[e])] += static_cast<double>(codes.values[e]);
    rows += codes.rows();
    progress.advance(static_cast<int64_t>(i) + 1);
  }
  progress.finish();
  std::vector<float> mean;
  for (const double s : sum) mean.push_back(static_cast<float>(s / static_cast<double>(rows)));
  return mean;
}

Attribution attribute(const model::Whisper& model, std::span<const SiteSae> sites,
                      std::span<const AttributionClip> clips, const AttributionOptions& options,
                      Progress& progress) {
  if (options.steps < 1) throw UserError("steps", "expected at least 1, got 0");
  const std::vector<ReadySae> saes = ready(model, sites);
  check_clips(model, clips);
  const auto n = static_cast<int64_t>(clips.size());
  const Clusters clusters = clusters_of(clips);
  Attribution out;
  out.metric = clips[0].metric.name;
  out.steps = options.steps;
  out.cluster = clusters.of, out.clusters = clusters.count;
  out.values.resize(clips.size());
  std::vector<std::vector<double>> activation;
  std::vector<std::vector<std::vector<uint8_t>>> fired(saes.size());
  std::vector<int64_t> rows(saes.size());
  for (const ReadySae& sae : saes) {
    SiteAttribution site;
    site.site = model::site_name(sae.site());
    site.features = sae.F();
    site.effects = Tensor<float>({n, sae.F()});
    out.sites.push_back(std::move(site));
    activation.emplace_back(static_cast<size_t>(sae.F()));
  }
  progress.start("attribution", n, "clips");
  for (int64_t c = 0; c < n; ++c) {
    const AttributionClip& clip = clips[static_cast<size_t>(c)];
    std::vector<Site> wanted;
    for (const ReadySae& sae : saes) wanted.push_back(sae.site());
    model::Recorder recorder(wanted);
    model::Hook* const hooks[] = {&recorder};
    const bool decoder = std::any_of(wanted.begin(), wanted.end(),
                                     [](const Site& s) { return s.stack == Stack::decoder; });
    const Tensor<float> audio = model.encode(mel_of(clip), {}, hooks);
    if (decoder) model.decode_forced(audio, tokens_of(clip), {}, hooks);
    for (size_t s = 0; s < saes.size(); ++s) {
      SiteAttribution& site = out.sites[s];
      const ClipAttribution one(model, saes[s], clip, audio, recorder.last(saes[s].site()));
      const Tensor<float> g = one.mean_gradient(options.steps, out.values[static_cast<size_t>(c)]);
      site.error.push_back(one.effects(g, site.effects.view().row(c)));
      double predicted = 0;
      for (int64_t f = 0; f < site.features; ++f)
        predicted += static_cast<double>(site.effects.at(c, f));
      site.predicted.push_back(predicted);
      site.measured.push_back(one.metric_at_reference() - out.values[static_cast<size_t>(c)]);
      fired[s].emplace_back(static_cast<size_t>(site.features));
      for (size_t e = 0; e < one.codes().indices.size(); ++e) {
        const auto f = static_cast<size_t>(one.codes().indices[e]);
        fired[s].back()[f] = 1;
        activation[s][f] += static_cast<double>(one.codes().values[e]);
      }
      rows[s] += one.codes().rows();
    }
    progress.advance(c + 1);
  }
  progress.finish();
  for (size_t s = 0; s < saes.size(); ++s) {
    for (double& a : activation[s]) a /= static_cast<double>(std::max<int64_t>(rows[s], 1));
    summarise(options, clusters, activation[s], fired[s], out.sites[s]);
  }
  return out;
}

}  // namespace otoscope::circuits
