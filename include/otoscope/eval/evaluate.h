#pragma once
/// One evaluation: SAEs and their controls on a split, and spliced into the model, as eval.json
/// (docs/eval.md). What comes out depends on inputs, options and seed alone.

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/manifest.h"
#include "otoscope/store/store.h"

namespace otoscope::eval {

struct EvalOptions {
  std::string split = "test";
  std::vector<std::string> controls{"mean", "pca", "untrained", "linear", "neurons"};
  int clips = 96;
  int max_tokens = 64;
  int clip_batch = 16;
  int replicates = 2000;
  uint64_t seed = 0;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("split", o.split, "rows and clips to measure on", Choices{{"test", "dev", "train", "all"}});
    v("controls", o.controls,
      "controls to compute: mean, pca (SAEs), untrained, linear and neurons (transcoders), or "
      "none");
    v("clips", o.clips, "clips that are decoded, 0 = all of the split", Range{0, 1e9});
    v("max-tokens", o.max_tokens, "tokens decoded per clip", Range{1, 224});
    v("clip-batch", o.clip_batch, "clips decoded at once", Range{1, 256});
    v("replicates", o.replicates, "bootstrap replicates", Range{100, 1e6});
  }
};

/// A control that was trained elsewhere.
struct TrainedControl {
  std::string name;  // "frozen", "shuffled"
  const sae::Sae* sae = nullptr;
  const store::Store* store = nullptr;  // nullptr: the SAE's own
  bool splice = true;                   // false: of another model
};

/// The same SAE on other rows.
struct AlsoStore {
  std::string name;  // "unpacked", "shifted"
  const store::Store* store = nullptr;
  const store::Store* target = nullptr;  // transcoders: the site they rebuild, of the same rows
};

struct EvalJob {
  std::string name;  // of the SAE in the report; its folder's name
  const sae::Sae* sae = nullptr;
  const store::Store* store = nullptr;
  const store::Store* target = nullptr;  // transcoders: the site they rebuild
  std::vector<TrainedControl> controls;
  std::vector<AlsoStore> also;
  bool decode = true;  // false: forced measures only
};

/// The model and clips for spliced measures.
struct SpliceInputs {
  const model::Whisper* model = nullptr;
  const model::Tokenizer* tokenizer = nullptr;
  const store::Manifest* manifest = nullptr;
};

/// One eval.json per job. All jobs share one clean forward of the clips. UserError where an SAE
/// does not fit its store or the model.
std::vector<nlohmann::ordered_json> evaluate(const std::vector<EvalJob>& jobs,
                                             const std::optional<SpliceInputs>& splice,
                                             const EvalOptions& options,
                                             Progress& progress = silent_progress());

/// Identity of each job's evaluation, written as `plan`: equal plans give equal files, so a file
/// that is there need not be made again. Without a manifest nothing is spliced.
std::vector<std::string> evaluation_plan(const std::vector<EvalJob>& jobs,
                                         const std::optional<store::Manifest>& manifest,
                                         const EvalOptions& options);

}  // namespace otoscope::eval
