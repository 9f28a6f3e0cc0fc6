#include "otoscope/sae/train.h"

#include <fmt/core.h>

#include <charconv>
#include <cstdlib>
#include <list>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/verb.h"
#include "otoscope/core/text.h"
#include "otoscope/store/same_rows.h"
#include "otoscope/store/store.h"

namespace otoscope::cli {
namespace {

/// Lists are axes of a grid; the rest is shared by all of it.
struct TrainVerbOptions {
  std::vector<std::string> activations, target;
  std::string out;
  std::vector<std::string> arch;
  std::vector<int> expansion, latents, k, seed_init, seed_data;
  std::vector<std::string> lr;
  sae::TrainOptions shared;
  int checkpoint_seconds = 60;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("activations", o.activations,
      "store DIR/SITE, .npy, .npz or .safetensors to train on; several with the same rows: one "
      "crosscoder over all");
    v("target", o.target,
      "activations to predict instead (a transcoder), with the same rows; one for each of several: "
      "a cross-layer transcoder, first block first (--latents and --k count in each block)");
    v("out", o.out, "folder; each SAE gets a folder of its own in it");
    v("arch", o.arch,
      "batchtopk (default), topk, jumprelu, relu, gated, matryoshka; a list is a "
      "grid, as for the next six");
    v("expansion", o.expansion, "features per dimension, default 8", Range{1, 65536});
    v("latents", o.latents, "features, instead of --expansion", Range{1, 1 << 26});
    v("k", o.k, "features kept per row, or that a penalty is led to, default 32", Range{1, 65536});
    v("lr", o.lr, "learning rate, default by the number of features and rows");
    v("seed-init", o.seed_init, "seed of the first weights, default --seed");
    v("seed-data", o.seed_data, "seed of the order of rows, default --seed");
    v("checkpoint-seconds", o.checkpoint_seconds, "time between checkpoints", Range{1, 86400});
    sae::TrainOptions::visit(o.shared, [&](const char* name, auto& value, auto&&... rest) {
      for (const char* axis : {"arch", "expansion", "latents", "k", "lr", "seed-init", "seed-data"})
        if (std::string_view(name) == axis) return;
      v(name, value, rest...);
    });
  }
};

double rate(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 10))
    throw UserError("--lr", "expected numbers in [0, 10], got " + text);
  return value;
}

/// The grid with one more axis.
template <class Value, class Set>
void cross(std::vector<sae::TrainOptions>& grid, const std::vector<Value>& values, Set&& set) {
  if (values.empty()) return;
  std::vector<sae::TrainOptions> wider;
  for (const sae::TrainOptions& one : grid)
    for (const Value& value : values) {
      wider.push_back(one);
      set(wider.back(), value);
    }
  grid = std::move(wider);
}

class Train : public VerbWith<TrainVerbOptions> {
 public:
  std::string example() const override {
    return "train --activations runs/demo/activations/encoder.out --out runs/demo/sae "
           "--arch batchtopk,matryoshka --k 32";
  }

  int run(const Context& context) override {
    if (options_.activations.empty())
      throw UserError("--activations", "expected a store, .npy, .npz or .safetensors, got nothing");
    if (options_.out.empty()) throw UserError("--out", "expected a folder, got nothing");
    if (!options_.target.empty() && options_.target.size() != options_.activations.size())
      throw UserError("--target",
                      "expected one for each of " + std::to_string(options_.activations.size()) +
                          " --activations, got " + std::to_string(options_.target.size()));
    // Filled once, so that what borrows from them stays right.
    const std::vector<store::Store> inputs = open(options_.activations),
                                    targets = open(options_.target);
    for (size_t i = 1; i < inputs.size(); ++i)
      store::check_same_rows(inputs[0], inputs[i], "--activations");
    for (const store::Store& target : targets)
      store::check_same_rows(inputs[0], target, "--target");
    if (inputs.size() > 1) check_blocks(inputs, targets);
    const Rows input(inputs), target(targets);
    sae::TrainData data;
    data.input = input.all();
    data.site = inputs[0].site(), data.model_name = inputs[0].model_name();
    data.model_hash = inputs[0].model_hash();
    if (!targets.empty()) data.target = target.all(), data.target_site = targets[0].site();
    if (inputs.size() > 1) data.inputs = input.ports(), data.targets = target.ports();
    sae::RunOptions how;
    how.checkpoint_seconds = options_.checkpoint_seconds;
    const auto done = sae::train(grid(context), data, options_.out, how, context.progress);
    print(context, done);
    return 0;
  }

 private:
  /// Stores as batches: one as it is, several side by side.
  class Rows {
   public:
    explicit Rows(const std::vector<store::Store>& stores) : stores_(stores) {
      std::vector<const sae::BatchSource*> each;
      for (const store::Store& store : stores) each.push_back(&parts_.emplace_back(store));
      if (each.size() > 1) joined_.emplace(each);
    }
    const sae::BatchSource* all() const {
      return joined_ ? static_cast<const sae::BatchSource*>(&*joined_) : &parts_.front();
    }
    std::vector<sae::Port> ports() const {
      std::vector<sae::Port> ports;
      for (const store::Store& store : stores_)
        ports.push_back({store.site(), store.model_name(), store.model_hash(), store.d(),
                         joined_->scale(static_cast<int64_t>(ports.size()))});
      return stores_.empty() ? std::vector<sae::Port>() : ports;
    }

   private:
    const std::vector<store::Store>& stores_;
    std::list<sae::StoreBatches> parts_;
    std::optional<sae::JoinedBatches> joined_;
  };

  static std::vector<store::Store> open(const std::vector<std::string>& paths) {
    std::vector<store::Store> stores;
    for (const std::string& path : paths) stores.push_back(store::Store::open(path));
    return stores;
  }

  /// Features write to the targets from their own on: the order is that of the blocks.
  static void check_blocks(const std::vector<store::Store>& inputs,
                           const std::vector<store::Store>& targets) {
    const auto block = [](const store::Store& store) {
      const size_t at = store.site().find("blocks.");
      return at == std::string::npos ? -1 : std::atoi(store.site().c_str() + at + 7);
    };
    for (size_t i = 0; i < targets.size(); ++i) {
      if (block(targets[i]) != block(inputs[i]))
        throw UserError("--target", "expected the output of " + inputs[i].site() + ", got " +
                                        targets[i].site() + " in its place");
      if (i > 0 && block(targets[i]) >= 0 && block(targets[i]) <= block(targets[i - 1]))
        throw UserError("--target", "expected ascending blocks, got " + targets[i].site() +
                                        " after " + targets[i - 1].site());
      if (inputs[i].d() != targets[i].d() || inputs[i].d() != inputs[0].d())
        throw UserError("--target", "expected equal widths, got " + std::to_string(inputs[i].d()) +
                                        " and " + std::to_string(targets[i].d()));
    }
  }

  std::vector<sae::TrainOptions> grid(const Context& context) const {
    const TrainVerbOptions& o = options_;
    if (!o.expansion.empty() && !o.latents.empty())
      throw UserError("--latents", "expected either --latents or --expansion, got both");
    std::vector<sae::TrainOptions> all = {o.shared};
    all[0].seed_init = all[0].seed_data = context.common.seed;
    cross(all, o.arch, [](auto& one, const std::string& value) { one.arch = value; });
    cross(all, o.expansion, [](auto& one, int value) { one.expansion = value; });
    cross(all, o.latents, [](auto& one, int value) { one.latents = value; });
    cross(all, o.k, [](auto& one, int value) { one.k = value; });
    cross(all, o.lr, [](auto& one, const std::string& value) { one.lr = rate(value); });
    cross(all, o.seed_init,
          [](auto& one, int value) { one.seed_init = static_cast<uint64_t>(value); });
    cross(all, o.seed_data,
          [](auto& one, int value) { one.seed_data = static_cast<uint64_t>(value); });
    return all;
  }

  static void print(const Context& context, const std::vector<sae::Trained>& done) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const sae::Trained& one : done) {
      list.push_back({{"name", one.name},
                      {"folder", one.folder.string()},
                      {"reused", one.reused},
                      {"steps", one.steps},
                      {"seconds", one.seconds},
                      {"sha256", one.sha256}});
      if (!context.common.json)
        context.print(fmt::format(
            "{}: {}", one.folder.string(),
            one.reused ? "was trained before"
                       : fmt::format("{} steps, {}", one.steps, human_seconds(one.seconds))));
    }
    if (context.common.json) context.print(list.dump(1));
  }
};

}  // namespace

std::unique_ptr<Verb> make_train() { return std::make_unique<Train>(); }

}  // namespace otoscope::cli
