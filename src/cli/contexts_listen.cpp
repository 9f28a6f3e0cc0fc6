#include "cli/contexts_listen.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/registry.h"
#include "otoscope/steer/recipe.h"

namespace otoscope::cli {
namespace {

class Listener {
 public:
  explicit Listener(const ContextsVerbOptions& options) : options_(options) {}

  std::vector<contexts::Comparison> run(const Context& context, const sae::Sae* sae,
                                        const std::vector<contexts::ContextSet>& sets,
                                        std::vector<contexts::Items> items,
                                        nlohmann::ordered_json& json) const {
    std::vector<contexts::Comparison> comparisons;
    contexts::GatherOptions gather;
    gather.batch = options_.batch;
    gather.decode = !options_.no_decode;
    gather.seed = context.common.seed;
    {
      const model::Whisper model = load(context, false);
      const auto tokenizer = model::load_tokenizer(model, context.progress);
      if (sae != nullptr) check(*sae, model);
      const std::string site = !options_.site.empty()                 ? options_.site
                               : sae != nullptr && !sae->site.empty() ? sae->site
                                                                      : "encoder.out";
      gather.site = model::find_site(model.dims(), site);
      describe(json, context, model, sae, sets);
      const auto names =
          sae == nullptr ? std::vector<std::string>()
                         : contexts::feature_names(
                               std::filesystem::path(options_.sae) / "features.sqlite", sae->F());
      for (size_t i = 0; i < items.size(); ++i) {
        contexts::Comparison one;
        one.first = sets[first_of(i)].name;
        one.second = sets[options_.factorial ? 2 * i + 1 : i + 1].name;
        one.items = std::move(items[i]);
        one.names = names;
        one.trained =
            contexts::gather(model, tokenizer, one.items.clips, sae, gather, context.progress);
        known_shift(context, model, tokenizer, sae, gather, one);
        if (!options_.recipe.empty()) steer(context, model, tokenizer, gather, one);
        if (options_.circuit > 0) circuit(context, model, tokenizer, sae, one);
        if (options_.steer > 0) move(context, model, tokenizer, gather.site, sae, one);
        comparisons.push_back(std::move(one));
      }
    }
    if (options_.shuffle_weights < 0) return comparisons;
    const model::Whisper model = load(context, true);
    const auto tokenizer = model::load_tokenizer(model, context.progress);
    std::optional<sae::Sae> own;
    if (!options_.shuffled_sae.empty()) {
      own = sae::load(options_.shuffled_sae);
      check(*own, model);
    }
    gather.decode = false;
    for (contexts::Comparison& one : comparisons)
      one.shuffled = contexts::gather(model, tokenizer, one.items.clips, own ? &*own : nullptr,
                                      gather, context.progress);
    return comparisons;
  }

 private:
  /// The first set of each comparison: pairs of sets in a factorial design, else always the first.
  size_t first_of(size_t comparison) const { return options_.factorial ? 2 * comparison : 0; }

  model::Whisper load(const Context& context, bool shuffled) const {
    model::LoadOptions load;
    load.precision = options_.precision == "bf16" ? Precision::bf16 : Precision::f32;
    if (shuffled) load.shuffle_weights = static_cast<uint64_t>(options_.shuffle_weights);
    return model::Whisper::load(model::resolve_model(options_.model), load, context.progress);
  }

  static void check(const sae::Sae& sae, const model::Whisper& model) {
    if (!sae.model_hash.empty() && sae.model_hash != model.hash())
      throw UserError(sae.folder.string(),
                      "expected an SAE of this model, got one of " + sae.model_name);
  }

  void known_shift(const Context& context, const model::Whisper& model,
                   const model::Tokenizer& tokenizer, const sae::Sae* sae,
                   contexts::GatherOptions gather, contexts::Comparison& one) const {
    const int64_t most = std::min<int64_t>(options_.positive, one.items.design.n_of(0));
    if (most == 0) return;
    gather.steps = {{contexts::Change::noise, 10}};
    gather.decode = false;
    one.known_steps = gather.steps;
    one.known_shift = contexts::gather(model, tokenizer,
                                       std::span(one.items.clips).first(static_cast<size_t>(most)),
                                       sae, gather, context.progress);
  }

  void steer(const Context& context, const model::Whisper& model, const model::Tokenizer& tokenizer,
             const contexts::GatherOptions& gather, contexts::Comparison& one) const {
    if (options_.no_decode)
      throw UserError("--recipe", "expected decoding, got --no-decode",
                      "the effect is on what the model writes");
    otoscope::steer::Steering steering(otoscope::steer::read_recipe(options_.recipe), model);
    const auto hooks = steering.hooks();
    one.steered = contexts::gather(model, tokenizer, one.items.clips, nullptr, gather,
                                   context.progress, hooks)
                      .heard;
  }

  void move(const Context& context, const model::Whisper& model, const model::Tokenizer& tokenizer,
            const model::Site& site, const sae::Sae* sae, contexts::Comparison& one) const {
    contexts::DirectionOptions direction = options_.direction;
    direction.controls = options_.steer;
    direction.replicates = options_.compare.replicates;
    direction.batch = options_.batch;
    direction.seed = context.common.seed;
    one.directed = contexts::move_along(model, tokenizer, one.items, one.trained, site, sae,
                                        direction, context.progress);
  }

  void circuit(const Context& context, const model::Whisper& model,
               const model::Tokenizer& tokenizer, const sae::Sae* sae,
               contexts::Comparison& one) const {
    contexts::OverlapOptions overlap = options_.overlap;
    overlap.seed = context.common.seed;
    one.circuits = contexts::circuits_of(model, tokenizer, one.items, *sae, options_.circuit,
                                         overlap, context.progress);
  }

  void describe(nlohmann::ordered_json& json, const Context& context, const model::Whisper& model,
                const sae::Sae* sae, const std::vector<contexts::ContextSet>& sets) const {
    json["model"] = {{"name", model.folder().filename().string()},
                     {"hash", model.hash()},
                     {"precision", options_.precision}};
    if (sae != nullptr) json["sae"] = {{"folder", options_.sae}, {"hash", sae->hash}};
    json["site"] = !options_.site.empty()                 ? options_.site
                   : sae != nullptr && !sae->site.empty() ? sae->site
                                                          : "encoder.out";
    json["sets"] = nlohmann::ordered_json::array();
    for (const contexts::ContextSet& set : sets)
      json["sets"].push_back({{"name", set.name},
                              {"manifest", set.manifest.path.string()},
                              {"sha256", set.manifest.sha256},
                              {"clips", set.manifest.clips.size()}});
    json["split"] = options_.select.split;
    json["limit"] = options_.select.limit;
    json["shuffle_weights"] = options_.shuffle_weights;
    if (!options_.recipe.empty()) json["recipe"] = options_.recipe;
    json["seed"] = context.common.seed;
    auto compare = options_.compare;
    json["options"] = io::options_to_json(options_of(compare));
  }

  const ContextsVerbOptions& options_;
};

}  // namespace

std::vector<contexts::Comparison> listen_to_contexts(const ContextsVerbOptions& options,
                                                     const Context& context,
                                                     const std::vector<contexts::ContextSet>& sets,
                                                     std::vector<contexts::Items> items,
                                                     nlohmann::ordered_json& json) {
  std::optional<sae::Sae> sae;
  if (!options.sae.empty()) sae = sae::load(options.sae);
  return Listener(options).run(context, sae ? &*sae : nullptr, sets, std::move(items), json);
}

}  // namespace otoscope::cli
