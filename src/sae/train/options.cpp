#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/sae/train.h"
#include "sae/train/trainee.h"

namespace otoscope::sae {
namespace {

constexpr int64_t kDefaultRows = 4'096'000;
/// A feature that was alive has moments of Adam that a weaker pull does not move in a short run.
constexpr double kPreActivation = 0.01;
constexpr int64_t kShortRun = 20'000'000;  // methods.md §2.1: below, the short-run defaults hold

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// For short runs 3e-3 at 4,096 features (by the FVU of training batches, whisper-base); for
/// long ones Gao et al.'s law, 2e-4 at 16,384.
double default_lr(int64_t F, int64_t rows) {
  const double at_4096 = rows < kShortRun ? 3e-3 : 4e-4;
  return at_4096 / std::sqrt(static_cast<double>(F) / 4096.0);
}

}  // namespace

/// In the trainer's units (E||x||^2 = d) losses grow with d and codes with sqrt(d).
double default_sparsity(const std::string& arch, int64_t d_out) {
  const auto d = static_cast<double>(d_out);
  if (arch == "jumprelu") return d;
  return 0.02 * std::sqrt(d);
}

TrainOptions resolve(TrainOptions o, int64_t d, int64_t d_out) {
  if (o.latents == 0) o.latents = checked_product(o.expansion, d, "--expansion");
  o.expansion = 1;  // the latents are what counts
  if (o.steps > 0 && o.tokens > 0)
    throw UserError("--steps", "expected either --steps or --tokens, got both");
  if (o.steps == 0)
    o.steps = std::max<int64_t>(1, (o.tokens > 0 ? o.tokens : kDefaultRows) / o.batch);
  o.tokens = 0;
  const int64_t rows = checked_product(o.steps, o.batch, "--steps");
  if (o.lr == 0) o.lr = default_lr(o.latents, rows);
  if (o.sparsity < 0 && !is_led(o)) o.sparsity = default_sparsity(o.arch, d_out);
  if (o.bandwidth == 0) o.bandwidth = 1.0;
  if (o.pre_activation < 0) o.pre_activation = o.arch == "jumprelu" ? kPreActivation : 0;
  if (o.dead_window == 0) o.dead_window = std::clamp<int64_t>(rows / 5, 1, 1'000'000);
  if (o.aux_k == 0) o.aux_k = std::max<int64_t>(1, d_out / 2);
  if (!(o.warmup + o.decay <= 1.0))
    throw UserError("--warmup", "expected warm-up and decay to fit into the run, got shares " +
                                    number(o.warmup) + " and " + number(o.decay));
  (void)make_loss(loss_options(o), d, d_out, o.latents);  // checks k and prefixes
  return o;
}

std::string name_of(const TrainOptions& o) {
  const TrainOptions plain;
  std::string name = o.arch + "-" + std::to_string(o.latents);
  const bool has_k = (o.arch != "relu" && o.arch != "gated") || is_led(o);
  name += has_k ? "-k" + std::to_string(o.k) : "-l" + number(o.sparsity);
  if (o.arch == "jumprelu" && o.penalty == "l0") name += "-l" + number(o.sparsity);
  if (o.norm_weighted) name += "-norm";
  if (o.freeze_decoder) name += "-frozen";
  if (o.skip) name += "-skip";
  if (o.lr != default_lr(o.latents, o.steps * o.batch)) name += "-lr" + number(o.lr);
  if (o.seed_init != plain.seed_init) name += "-s" + std::to_string(o.seed_init);
  if (o.seed_data != plain.seed_data) name += "-d" + std::to_string(o.seed_data);
  return name;
}

bool is_led(const TrainOptions& o) {
  return o.sparsity < 0 && (o.arch == "relu" || o.arch == "gated");
}

LossOptions loss_options(const TrainOptions& o) {
  LossOptions loss;
  loss.architecture = o.arch;
  loss.k = o.k;
  loss.sparsity = is_led(o) ? 1.0 : o.sparsity;  // led: StepState's scale is the weight
  loss.norm_weighted = o.norm_weighted;
  loss.penalty = o.penalty;
  loss.bandwidth = o.bandwidth;
  loss.pre_activation = o.pre_activation;
  loss.prefixes.assign(o.prefixes.begin(), o.prefixes.end());
  loss.aux_coefficient = o.aux_coefficient;
  loss.aux_k = o.aux_k;
  loss.aux_rectified = o.aux_rectified;
  return loss;
}

void check_transcoder(const TrainOptions& o, bool has_target) {
  if (o.skip && !has_target)
    throw UserError("--skip", "expected --target with it",
                    "only transcoders have a path beside the codes");
  if (has_target && (o.arch == "topk" || o.arch == "gated"))
    throw UserError("--arch", "expected a transcoder that runs with thresholds, got " + o.arch,
                    "take batchtopk, jumprelu, relu or matryoshka");
}

std::string kind_of(const TrainData& data) {
  if (!data.several()) return "";
  return (data.targets.empty() ? "crosscoder" : "clt") + std::to_string(data.inputs.size()) + "-";
}

void check_several(const TrainOptions& o, const TrainData& data) {
  if (!data.several()) return;
  const char* kind = data.targets.empty() ? "a crosscoder" : "a cross-layer transcoder";
  if (o.arch != "batchtopk" && o.arch != "topk")
    throw UserError("--arch",
                    "expected batchtopk or topk for " + std::string(kind) + ", got " + o.arch);
  if (o.arch == "topk" && !data.targets.empty())
    throw UserError("--arch", "expected batchtopk for a cross-layer transcoder, got topk",
                    "it runs with thresholds");
  if (o.skip)
    throw UserError("--skip", "expected no skip with " + std::string(kind),
                    "its file has no place for one; transcoders of one block have");
  if (!data.targets.empty() && data.targets.size() != data.inputs.size())
    throw UserError("--target", "expected a target for each of " +
                                    std::to_string(data.inputs.size()) + " inputs, got " +
                                    std::to_string(data.targets.size()));
}

io::OrderedJson options_json(const TrainOptions& o) {
  TrainOptions copy = o;
  io::OrderedJson json = io::options_to_json(options_of(copy));
  // SAEs trained before these existed keep their plans.
  if (!o.skip) json.erase("skip");
  if (o.arch != "jumprelu") json.erase("pre-activation");
  return json;
}

std::string plan_hash(const TrainOptions& resolved, const TrainData& data) {
  // Of the training itself: other bits, other number.
  constexpr int kVersion = 2, kTranscoderVersion = 3, kDense = 2;
  const bool dense =
      resolved.arch == "relu" || resolved.arch == "jumprelu" || resolved.arch == "gated";
  io::OrderedJson plan;
  plan["version"] = (data.target == nullptr ? kVersion : kTranscoderVersion) + (dense ? kDense : 0);
  plan["options"] = options_json(resolved);
  plan["input"] = data.input->hash();
  plan["target"] = data.target == nullptr ? "" : data.target->hash();
  plan["site"] = data.site;
  plan["target_site"] = data.target_site;
  plan["model"] = data.model_hash;
  for (const auto* ports : {&data.inputs, &data.targets})
    for (const Port& port : *ports)
      plan[ports == &data.inputs ? "inputs" : "targets"].push_back({port.site, port.model_hash});
  return io::sha256(plan.dump());
}

}  // namespace otoscope::sae
