#pragma once
/// The circuit of a metric over a data set, with residual SAEs: chosen on some clips, tested on
/// others, and traced again under other choices (methods.md §6.6, §6.8). One graph of one clip is
/// an illustration; this is the table that a claim needs. An attribution, never an exact graph.

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/circuits/attribution.h"
#include "otoscope/core/options.h"
#include "otoscope/store/manifest.h"

namespace otoscope::circuits {

struct DatasetOptions {
  std::string metric = "text", reference = "mean";
  int clips = 24, size = 32, steps = 10, draws = 10, removed = 5;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("metric", o.metric,
      "with --over: text (any text token against the end, first step), no-speech (log odds of that "
      "token), words (log probability of the clip's text, forced)",
      Choices{{"text", "no-speech", "words"}});
    v("reference", o.reference, "what features are set to", Choices{{"mean", "zero"}});
    v("clips", o.clips, "clips to choose on (train and dev) and as many to test on (test)",
      Range{2, 1e6});
    v("size", o.size, "features in a site's circuit", Range{1, 1e6});
    v("steps", o.steps, "of integrated gradients; 1 is attribution patching", Range{1, 1000});
    v("draws", o.draws, "random circuits", Range{1, 1000});
    v("removed", o.removed, "features of the circuit, and as many at random, removed one by one",
      Range{0, 1000});
  }
};

/// The clips with what the decoder is given and the metric. Clusters: the source of sounds, else
/// the speaker or prompt; by_speaker: what clusters_by_speaker() says of all clips that these are
/// of. UserError for a clip that cannot be read or, for words, has no text.
std::vector<AttributionClip> attribution_clips(const model::Whisper& model,
                                               const model::Tokenizer& tokenizer,
                                               std::span<const store::Clip> clips, bool by_speaker,
                                               const std::string& metric,
                                               Progress& progress = silent_progress());

struct DatasetSite {
  std::string site, sae;
  int64_t features = 0;
  std::vector<FeatureEffect> circuit;  // on the clips that it was chosen on
  double predicted = 0, measured = 0;  // mean change of M with all features at reference
  double error_effect = 0;             // mean effect of the SAE's error by itself
  CircuitChecks checks;                // on test clips
  /// M's change on test clips, and that of as many random features that fire.
  std::vector<std::pair<int32_t, Estimate>> removed, removed_at_random;
  Stability stability;
  /// Jaccard of the circuit with what another choice finds: reference, steps, other clips, other
  /// SAEs of the site (features matched by decoder cosine of at least .7).
  std::vector<std::pair<std::string, double>> again;
};
struct DatasetCircuit {
  std::string metric;
  int64_t chosen_on = 0, tested_on = 0, clusters = 0, test_clusters = 0;
  std::vector<DatasetSite> sites;
};

/// saes: several of one site are other seeds of the first. Sites are taken from the SAEs.
/// UserError for too few clips. Interruptible.
DatasetCircuit find_circuit(const model::Whisper& model, std::span<const sae::Sae> saes,
                            std::span<const AttributionClip> choose,
                            std::span<const AttributionClip> test, const DatasetOptions& options,
                            uint64_t seed, Progress& progress = silent_progress());

/// Schema otoscope.dataset-circuit.
nlohmann::ordered_json to_json(const DatasetCircuit& circuit, const DatasetOptions& options);

}  // namespace otoscope::circuits
