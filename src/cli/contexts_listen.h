#pragma once
/// What the verb contexts is given, and the part of it that needs a model.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/verb.h"
#include "otoscope/contexts/compare.h"

namespace otoscope::cli {

struct ContextsVerbOptions {
  std::string model, sae, shuffled_sae, site, recipe, noise, out = "contexts.json";
  std::vector<std::string> data, transform;
  std::string precision = "f32";
  contexts::SelectOptions select;
  contexts::CompareOptions compare;
  contexts::DirectionOptions direction;
  int batch = 8, positive = 60, steer = 0;
  int64_t shuffle_weights = 1;
  bool no_decode = false, factorial = false;
  int circuit = 0;
  contexts::OverlapOptions overlap;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("model", o.model, "the model that listens");
    v("sae", o.sae, "folder of an SAE of a site of its encoder; none: raw activations of --site");
    v("shuffled-sae", o.shuffled_sae,
      "SAE of the shuffled model; none: it is compared by its raw activations");
    v("site", o.site, "of the encoder; the SAE's if not given, else encoder.out");
    v("data", o.data, "NAME=MANIFEST of each context, the one to compare with first");
    v("paired", o.select.paired, "clips with equal ids are pairs: a set and its transform");
    v("factorial", o.factorial,
      "four sets, content by recording: A, A recorded otherwise, B, B recorded otherwise; each "
      "two are pairs");
    v("force", o.select.force, "compare sets that share clips, speakers or sources");
    v("split", o.select.split, "clips of which split", Choices{{"train", "dev", "test", "all"}});
    v("limit", o.select.limit, "clips of each set, the first by hash of their id; 0 = all",
      Range{0, 1e6});
    v("shuffle-weights", o.shuffle_weights,
      "seed of the control: the same with every weight's entries permuted; -1 = none",
      Range{-1, 9e18});
    v("positive", o.positive, "clips of the positive control (noise at 10 dB); 0 = none",
      Range{0, 1e6});
    v("recipe", o.recipe, "an intervention whose effect is measured in both contexts");
    v("steer", o.steer,
      "move clips along what separates the contexts, beside so many random directions (19 reach "
      "p .05); 0 = do not",
      Range{0, 1000});
    v("steer-clips", o.direction.clips, "clips moved, of each context", Range{2, 1e6});
    v("circuit", o.circuit,
      "clips of each context whose circuit (attribution at the SAE's site) is compared; 0 = none",
      Range{0, 1e6});
    v("circuit-size", o.overlap.size, "features in a circuit", Range{1, 1e5});
    v("no-decode", o.no_decode, "do not look at what the model writes");
    v("precision", o.precision, "how the model computes", Choices{{"f32", "bf16"}});
    v("batch", o.batch, "clips at once", Range{1, 256});
    v("transform", o.transform,
      "with make: telephone, opus=KBITS, mp3=KBITS, g722, reverb=S, noise=DB, far=S, clip=DB, "
      "speed=FACTOR, gain=DB, in the order given");
    v("noise", o.noise, "with make: sounds for noise (manifest or fetched corpus), pink if none");
    v("out", o.out, "where the result is written; with make: the folder");
    contexts::CompareOptions::visit(o.compare, v);
  }
};

/// Everything that needs a model, one model after the other in memory: tables, what is written, and
/// what edits do. `json` gets what the tables are of.
std::vector<contexts::Comparison> listen_to_contexts(const ContextsVerbOptions& options,
                                                     const Context& context,
                                                     const std::vector<contexts::ContextSet>& sets,
                                                     std::vector<contexts::Items> items,
                                                     nlohmann::ordered_json& json);

}  // namespace otoscope::cli
