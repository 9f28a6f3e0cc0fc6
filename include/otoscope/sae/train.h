#pragma once
/// Training: one SAE or a grid in one pass over the data (methods.md §2.1, short runs).

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/sae/batches.h"
#include "otoscope/sae/joint.h"
#include "otoscope/sae/loss.h"

namespace otoscope::sae {

/// One SAE. 0 (or -1 where 0 means something) stands for a default that resolve() fills in.
struct TrainOptions {
  std::string arch = "batchtopk";
  int64_t latents = 0;
  int expansion = 8;
  int64_t k = 32;
  int64_t steps = 0, tokens = 0;
  int64_t batch = 4096;
  double lr = 0;
  uint64_t seed_init = 0, seed_data = 0;
  double sparsity = -1;
  bool norm_weighted = false;
  bool freeze_decoder = false;
  bool skip = false;
  std::string penalty = "target";
  double bandwidth = 0;
  double pre_activation = -1;
  std::vector<int> prefixes;
  double aux_coefficient = 1.0 / 32;
  int64_t aux_k = 0;
  bool aux_rectified = false;
  int64_t dead_window = 0;
  double warmup = 0.05, decay = 0.2;
  double clip = 1.0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("arch", o.arch, "architecture", Choices{architecture_names()});
    v("latents", o.latents, "number of features, 0 = expansion x width", Range{0, 1 << 26});
    v("expansion", o.expansion, "features per dimension of the activations", Range{1, 65536});
    v("k", o.k, "features kept per row (jumprelu, relu, gated: aimed at)", Range{1, 65536});
    v("steps", o.steps, "training steps, 0 = from tokens", Range{0, 1e9});
    v("tokens", o.tokens, "rows to train on, 0 = 4,096,000", Range{0, 1e15});
    v("batch", o.batch, "rows per step", Range{1, 1 << 20});
    v("lr", o.lr, "learning rate, 0 = by the number of features and rows", Range{0, 10});
    v("seed-init", o.seed_init, "seed of the initial weights");
    v("seed-data", o.seed_data, "seed of the order of rows");
    v("sparsity", o.sparsity,
      "weight of the sparsity penalty, -1 = led so that L0 comes to --k (relu, gated), or by "
      "architecture",
      Range{-1, 1e9});
    v("norm-weighted", o.norm_weighted, "relu: weight codes by decoder norms, rows free");
    v("freeze-decoder", o.freeze_decoder,
      "the control: keep the random decoder, train the rest (arXiv:2602.14111)");
    v("skip", o.skip, "transcoders: a linear path beside the codes (arXiv:2501.18823)");
    v("penalty", o.penalty, "jumprelu: what is penalised", Choices{{"target", "l0"}});
    v("bandwidth", o.bandwidth, "jumprelu: width of the pseudo-derivatives, 0 = by the run",
      Range{0, 100});
    v("pre-activation", o.pre_activation,
      "jumprelu: weight of the loss that pulls dead features up, -1 = by the run", Range{-1, 1e6});
    v("prefixes", o.prefixes, "matryoshka: prefix widths, ascending, the last all features");
    v("aux-coefficient", o.aux_coefficient, "weight of AuxK", Range{0, 100});
    v("aux-k", o.aux_k, "dead features that AuxK uses per row, 0 = half the width",
      Range{0, 65536});
    v("aux-rectified", o.aux_rectified, "AuxK through ReLU");
    v("dead-window", o.dead_window, "rows without firing after which a feature counts as dead",
      Range{0, 1e15});
    v("warmup", o.warmup, "share of the steps over which the rate rises", Range{0, 1});
    v("decay", o.decay, "share of the steps over which the rate falls to 0", Range{0, 1});
    v("clip", o.clip, "largest global gradient norm", Range{0, 1e9});
    v("beta1", o.beta1, "Adam", Range{0, 1});
    v("beta2", o.beta2, "Adam", Range{0, 1});
    v("eps", o.eps, "Adam", Range{0, 1});
  }
};

/// What the SAEs are trained on, and its names for their files.
struct TrainData {
  const BatchSource* input = nullptr;
  const BatchSource* target = nullptr;  // of the same rows (transcoders); nullptr: the input itself
  std::string site, target_site, model_name, model_hash;
  /// Several sites, joined (JoinedBatches). Without targets a crosscoder, which reads and rebuilds
  /// all; with as many targets a cross-layer transcoder, whose features read input s and write
  /// targets s, s+1, …
  std::vector<Port> inputs, targets;

  bool several() const { return !inputs.empty(); }
  int64_t sources() const { return targets.empty() ? 1 : static_cast<int64_t>(targets.size()); }
  int64_t outputs() const { return several() ? static_cast<int64_t>(inputs.size()) : 1; }
};

/// How a run behaves; changes no result.
struct RunOptions {
  int64_t checkpoint_steps = 0;    // every so many steps; 0: by time alone
  double checkpoint_seconds = 60;  // and every so many seconds
  int64_t log_every = 10;          // lines of training.jsonl
};

struct Trained {
  std::string name;
  std::filesystem::path folder;
  bool reused = false;  // was finished before
  int64_t steps = 0;
  double seconds = 0;  // of this process
  std::string sha256;  // of the weights, as loading gives it
};

/// Fills the defaults, checks everything; UserError names the option. d, d_out: of one site;
/// latents are those of one source.
TrainOptions resolve(TrainOptions options, int64_t d, int64_t d_out);
/// "batchtopk-4096-k32", with what differs from the defaults: "-lr0.002", "-s1" (seed-init), ...
std::string name_of(const TrainOptions& resolved);
/// "crosscoder2-", "clt6-": before the name of a dictionary of several sites; else nothing.
std::string kind_of(const TrainData& data);
/// UserError for what a transcoder cannot be: SAELens has none with topk or gated activations, and
/// a skip needs a target.
void check_transcoder(const TrainOptions& options, bool has_target);
/// UserError for what dictionaries of several sites cannot be.
void check_several(const TrainOptions& options, const TrainData& data);
/// Identity of a training: SHA-256 of the resolved options and the data's hashes.
std::string plan_hash(const TrainOptions& resolved, const TrainData& data);

/// Trains the whole grid into OUT/NAME/ each: sae_weights.safetensors, cfg.json, training.jsonl,
/// checkpoints/. A finished SAE of the same plan is kept; one in the middle goes on where its
/// checkpoint is, to the same bits; a folder of another plan is refused. Ctrl-C writes checkpoints
/// and throws Interrupted. Not finite: UserError naming the step, the last checkpoint stays.
std::vector<Trained> train(const std::vector<TrainOptions>& grid, const TrainData& data,
                           const std::filesystem::path& out, const RunOptions& run,
                           Progress& progress);

/// argmin_m sum ||x_b - m|| by Weiszfeld's iteration (at most 100, to 1e-5 relative). x: (n, d)
std::vector<double> geometric_median(View<const float> x);

}  // namespace otoscope::sae
