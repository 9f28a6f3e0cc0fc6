#pragma once
/// From a recording and transcoders to the exact graph of one output token, a contrast of two, or a
/// span (methods.md §6.2-6.5).

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "otoscope/circuits/graph.h"
#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/model/frozen.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/sae/joint.h"
#include "otoscope/sae/sae.h"

namespace otoscope::circuits {

struct TraceOptions {
  double node_share = 0.8, edge_share = 0.98;
  bool prune_errors = false;
  int64_t max_nodes = 2048;
  int top_sources = 512;
  int pool = 5;
  int gap = 1;
  double memory = 4;
  double logit_share = 0.95;
  int max_logits = 10;
  /// Not an option: MLPs at decoder positions before it are errors. Transcoders are trained where
  /// text is predicted and know nothing of the tokens before.
  int64_t first_token = 0;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("node-share", o.node_share, "share of influence that the shown features have", Range{0, 1});
    v("edge-share", o.edge_share, "share of influence that the shown edges have", Range{0, 1});
    v("prune-errors", o.prune_errors, "prune error nodes like features; else they are always kept");
    v("max-nodes", o.max_nodes, "features whose inputs are computed", Range{1, 1e6});
    v("top-sources", o.top_sources, "edges kept per target; the others are summed up as its rest",
      Range{1, 1e6});
    v("pool", o.pool, "frames in one audio leaf and in one error node", Range{1, 1500});
    v("gap", o.gap, "a feature's run goes on over so many silent frames", Range{0, 100});
    v("memory", o.memory, "GB that may be needed; larger graphs are refused", Range{0.1, 1024});
    v("logit-share", o.logit_share, "cumulative probability of the output tokens traced",
      Range{0, 1});
    v("max-logits", o.max_logits, "output tokens traced at most", Range{1, 100});
  }
};

/// What is traced: a direction of the logits after one decoder position.
struct LogitTarget {
  int64_t position = 0;  // of the decoder token after which it is read
  int64_t token = -1;    // what the node stands for
  int64_t against = -1;  // contrast: logit(token) - logit(against); -1: against the mean of all
  double weight = 1;     // in influence
  double probability = 0;
  std::string text;
};

/// The likeliest tokens after the last position up to `share`, at most `most`.
std::vector<LogitTarget> likely_targets(View<const float> logits, const model::Tokenizer& tokenizer,
                                        double share, int most);
/// logit(a) - logit(b) after the last position.
LogitTarget contrast_target(View<const float> logits, const model::Tokenizer& tokenizer, int64_t a,
                            int64_t b);
/// Tokens [first, last) of the input, each after the one before it.
std::vector<LogitTarget> span_targets(View<const float> logits, const model::Tokenizer& tokenizer,
                                      std::span<const int64_t> tokens, int64_t first, int64_t last);

/// One transcoder a block: reads ln2 (or the stream before it), writes its mlp_out; a layer of a
/// cross-layer transcoder writes the mlp_out of the blocks after it too. Blocks without one are all
/// error.
class Transcoders {
 public:
  /// UserError for two of one block, SAEs that are no transcoders, rows that are normalised one by
  /// one, gates; crosscoders, and cross-layer transcoders that leave out blocks.
  Transcoders(std::vector<sae::Sae> saes, const model::Dims& dims,
              const std::vector<sae::Joint>& cross_layer = {});
  struct Layer {
    model::Site read, write;
    sae::Sae sae;  // W_dec: (F, outputs d), its own block's output first
    int outputs = 1;
  };
  /// By layer (Node::layer); null where there is none.
  const Layer* layer(int index) const { return layers_[static_cast<size_t>(index)].get(); }
  /// Layers whose features write into the MLP output of this one, ascending.
  std::vector<int> writers(int into) const;
  /// What a feature of `layer` adds there when it is 1, (d). into: one that it writes.
  const float* direction(int layer, int32_t feature, int into) const;
  int64_t size() const;
  /// Site of layer's MLP output.
  model::Site write_site(int layer) const;
  int layers() const { return static_cast<int>(layers_.size()); }

 private:
  void add(sae::Sae sae, int outputs, const model::Dims& dims);

  std::vector<std::unique_ptr<Layer>> layers_;
  int encoder_layers_ = 0;
  int64_t d_ = 0;
};

/// The graph of the input that `frozen` recorded; skips of the transcoders are set in it. UserError
/// if the estimate of memory is over the option. Interruptible.
Graph trace(model::FrozenModel& frozen, const model::Whisper& model, const Transcoders& transcoders,
            std::span<const LogitTarget> targets, const TraceOptions& options = {},
            Progress& progress = silent_progress());

}  // namespace otoscope::circuits
