#pragma once
/// Which features of residual SAEs move a metric, over a data set (methods.md §6.6; sparse feature
/// circuits, Marks et al. 2024). An attribution: a first-order estimate (one step) or an integral
/// of slopes (several), never an exact graph. What it says is checked by metric_with(), which
/// really sets the features.
///
///   E_s = sum over valid positions t of (ref_s - a_ts) <g_t, d_s>,
/// the predicted change of M when feature s is set to its reference everywhere; g is dM/dx at the
/// site, averaged over `steps` points x + (i/steps)(x_ref - x), i < steps, on which all features of
/// the site move at once and the SAE's error stays. The error's own effect: sum_t <g_t, -eps_t>.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "otoscope/circuits/metric.h"
#include "otoscope/core/progress.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/model/whisper.h"
#include "otoscope/sae/sae.h"

namespace otoscope::circuits {

/// One window, what the decoder is given, and the metric of its logits.
struct AttributionClip {
  Tensor<float> mel;            // (mel frames, mels)
  int32_t frames = 0;           // that carry audio
  std::vector<int64_t> tokens;  // prompt, and text if teacher-forced
  Metric metric;
  std::string cluster;  // source, speaker or prompt id: what intervals resample
};

/// A residual SAE at its site: encoder resid_pre/mid/post, encoder.out, or a decoder row site.
/// Borrowed. SAEs that normalise each row are refused (UserError).
struct SiteSae {
  model::Site site;
  const sae::Sae* sae = nullptr;
  /// The value features are set to, (F): mean_codes(), or empty for zeros.
  std::vector<float> reference;
};

/// Mean code of every feature over the valid positions of clips: the usual reference.
std::vector<float> mean_codes(const model::Whisper& model, const SiteSae& site,
                              std::span<const AttributionClip> clips,
                              Progress& progress = silent_progress());

struct AttributionOptions {
  int steps = 10;  // 1: attribution patching; more: integrated gradients (left Riemann)
  int top = 64;    // features with intervals, by |mean effect|
  uint64_t seed = 0;
  int replicates = 2000;
};

struct FeatureEffect {
  int32_t feature = 0;
  Estimate effect;        // mean over clips of E, clusters resampled
  Estimate magnitude;     // mean of |E|
  double activation = 0;  // mean over valid positions
  int64_t clips = 0;      // in which it fired
  double same_sign = 0;   // share of those clips whose E has the sign of the mean
};

struct SiteAttribution {
  std::string site;
  int64_t features = 0;
  Tensor<float> effects;           // (clips, F): E of every clip
  std::vector<float> error;        // by clip: the SAE error's effect
  std::vector<FeatureEffect> top;  // descending |effect.value|
  /// Checks the sums: predicted (all features) against the measured M(all at reference) - M(model),
  /// by clip.
  std::vector<double> predicted, measured;
};

struct Attribution {
  std::string metric;
  int steps = 0;
  std::vector<double> values;  // M of the untouched model, by clip
  std::vector<int32_t> cluster;
  int64_t clusters = 0;
  std::vector<SiteAttribution> sites;
};

/// Every site by itself. UserError if a clip's tokens or frames do not fit the model.
/// Interruptible.
Attribution attribute(const model::Whisper& model, std::span<const SiteSae> sites,
                      std::span<const AttributionClip> clips,
                      const AttributionOptions& options = {},
                      Progress& progress = silent_progress());

/// Which features of one site an intervention touches.
struct FeatureSet {
  std::vector<int32_t> features;
  bool others = false;      // all but these
  bool drop_error = false;  // the SAE's error too
};

/// M of every clip when the features are really set to their reference at every valid position
/// (later sites see what earlier ones changed). sets: one per site.
std::vector<double> metric_with(const model::Whisper& model, std::span<const SiteSae> sites,
                                std::span<const FeatureSet> sets,
                                std::span<const AttributionClip> clips,
                                Progress& progress = silent_progress());

/// How a circuit does its work, by ablation to the reference (methods.md §6.6), clusters resampled.
/// M(0): all features at their reference, errors kept.
struct CircuitChecks {
  Estimate whole, none;   // M(model), M(0)
  Estimate effect;        // M(model) - M(0), paired: what there is to explain
  Estimate faithfulness;  // (M(C) - M(0)) / (M(model) - M(0)), C: all others ablated
  Estimate completeness;  // the same with C itself ablated and all others kept: near 0 is good
  Estimate random_faithfulness;  // of sets of equal size from features that fire, mean over draws
  double beats_random = 0;       // share of draws that C beats
  int draws = 0;
};
CircuitChecks check_circuit(const model::Whisper& model, std::span<const SiteSae> sites,
                            std::span<const FeatureSet> circuit,
                            std::span<const AttributionClip> clips, int draws, uint64_t seed,
                            Progress& progress = silent_progress());

/// Is the same set found again (methods.md §6.8)? Top-k sets by |mean effect| under resampled
/// clusters, and of k -+ 20 %, as Jaccard to the set of all clips; `chance` is that of random sets
/// of k among features that fired.
struct Stability {
  int k = 0;
  Estimate bootstrap;              // mean Jaccard; low and high: 2.5 and 97.5 % of replicates
  double smaller = 0, larger = 0;  // containment: share of the smaller set inside the larger one
  double chance = 0;
};
Stability stability_of(const Attribution& attribution, size_t site, int k, uint64_t seed,
                       int replicates = 500);
/// |A and B| / |A or B|; 1 for two empty sets.
double jaccard(std::span<const int32_t> a, std::span<const int32_t> b);
/// The k features of a site with the largest |mean effect|, ascending by id.
std::vector<int32_t> top_features(const SiteAttribution& site, int k);

}  // namespace otoscope::circuits
