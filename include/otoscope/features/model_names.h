#pragma once
/// Names by a language model, through any OpenAI-compatible endpoint, and what they are worth: a
/// name is scored by detection (Bills et al. 2023, "Language models can explain neurons in language
/// models"; Paulo et al. 2024, arXiv:2410.13928, §3.2). Names are made from moments of train and
/// dev; the model is then asked, with the name alone, at which of some shuffled moments of test the
/// feature fires, half of them firings. The same questions are asked with the rule-made name and
/// with another feature's name.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "otoscope/audio/labels.h"
#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

struct ModelNameOptions {
  std::string endpoint;  // empty: no names are asked for
  std::string model;
  int features = 48;  // half with a rule-made name, half without, by lot
  int shown = 10;     // moments that a name is made from: half the strongest, half by lot
  int asked = 5;      // firings among the moments of a question, and as many that are none
  double timeout_s = 120;
  int retries = 2;
  uint64_t seed = 0;  // the command line's own --seed

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("names-endpoint", o.endpoint,
      "OpenAI-compatible address (http://127.0.0.1:8000/v1) that names features too; the key, if "
      "it "
      "needs one, in OTOSCOPE_NAMES_KEY");
    v("names-model", o.model, "the model to ask there");
    v("names-features", o.features, "features that it names, half of them with a rule-made name",
      Range{2, 100000});
    v("names-timeout", o.timeout_s, "longest wait for an answer, s", Range{1, 3600});
  }
};

struct ModelNameSummary {
  std::string model;
  int64_t named = 0, unusable = 0;  // features; answers that were no name or no choice
  /// Balanced accuracy, features resampled: of the model's names, of the rule-made ones and of
  /// another feature's, each over the features that have the answer. clusters: features.
  Estimate own, rule, shuffled;
  /// Paired, own minus the other, over the features that have both.
  Estimate over_rule, over_shuffled;
};

/// Adds the table `model_names` to a database that describe made, one row a feature, and reads it
/// back where the same question was answered before. UserError with what the endpoint said; what
/// was answered until then is kept. Nothing else of the database changes.
ModelNameSummary name_by_model(const std::filesystem::path& database, const sae::Sae& sae,
                               const store::Store& store, std::span<const audio::ClipLabels> labels,
                               const ModelNameOptions& options, Progress& progress);

}  // namespace otoscope::features
