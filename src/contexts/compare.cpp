#include "otoscope/contexts/compare.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/core.h>

#include "contexts/controls.h"
#include "contexts/json.h"
#include "otoscope/contexts/behaviour.h"
#include "otoscope/contexts/explained.h"
#include "otoscope/contexts/held_out.h"
#include "otoscope/contexts/importance.h"
#include "otoscope/contexts/match.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::contexts {
namespace {

using io::OrderedJson;

constexpr int64_t kLeastMatched = 20;  // pairs
constexpr double kOverlap = .95;  // nuisances that tell better share too little to be held equal

/// One table and what was found in it.
struct Tested {
  Tensor<double> gram;
  Classified classified;
  OrderedJson json;
};

class Run {
 public:
  Run(const Comparison& c, const CompareOptions& options, uint64_t seed, Progress& progress)
      : c_(c), options_(options), progress_(progress) {
    test_.folds = options.folds;
    test_.ridge = options.ridge;
    test_.permutations = options.permutations;
    test_.replicates = options.replicates;
    test_.seed = seed;
  }

  OrderedJson all() {
    const Design& design = c_.items.design;
    const Exchange exchange(design);
    OrderedJson json{{"first", c_.first}, {"second", c_.second}};
    json["design"] = design_json(exchange);
    progress_.start("tell " + c_.first + " from " + c_.second, 8, "steps");
    tests(json);
    if (has_features()) features(json);
    controls(json);
    behaviour(json);
    progress_.finish();
    evidence_.n0 = design.n_of(0);
    evidence_.n1 = design.n_of(1);
    json["verdict"] = to_json(verdict_of(evidence_));
    return json;
  }

 private:
  bool has_features() const { return c_.trained.pooled.features.shape()[1] > 0; }

  OrderedJson design_json(const Exchange& exchange) const {
    const Design& d = c_.items.design;
    OrderedJson json{{"paired", c_.items.paired},
                     {"items", {d.n_of(0), d.n_of(1)}},
                     {"groups", d.groups},
                     {"groups_in_both", exchange.groups_in_both()},
                     {"group", c_.items.by_speaker ? "speaker" : "prompt, source or file"},
                     {"sources", d.sources},
                     {"smallest_p", exchange.smallest_p(options_.permutations)},
                     {"without_partner", c_.items.unpaired}};
    json["leaks"] = OrderedJson::array();
    for (const Leak& leak : c_.items.leaks)
      json["leaks"].push_back(
          {{"what", leak.what}, {"count", leak.count}, {"example", leak.example}});
    return json;
  }

  Tested test(View<const float> x, const char* name) {
    throw_if_interrupted();
    const Design& design = c_.items.design;
    Tested t{gram_of(x), {}, {}};
    t.classified = classifier_test(t.gram, design, test_);
    t.json = to_json(t.classified);
    t.json["columns"] = x.shape[1];
    t.json["mmd"] = to_json(mmd_test(t.gram, design, test_));
    const SourceOut sources = leave_source_out(t.gram, design, test_);
    t.json["leave_source_out"] = to_json(sources);
    if (std::string_view(name) == main_) evidence_.sources = sources;
    progress_.advance(++step_, name);
    return t;
  }

  void tests(OrderedJson& json) {
    const Design& design = c_.items.design;
    if (!has_features()) main_ = "raw";
    const Tested raw = test(c_.trained.pooled.raw, "raw");
    Tested features;
    if (has_features()) features = test(c_.trained.pooled.features, "features");
    const Tested& main = has_features() ? features : raw;
    const Tested mel = test(c_.trained.mel, "log-mel");
    const Tested nuisances = test(c_.trained.nuisances, "nuisances");
    evidence_.features = main.classified;
    evidence_.nuisances = nuisances.classified;
    const Classified both = classifier_test(mean_gram(main.gram, nuisances.gram), design, test_);
    evidence_.increment = auroc_difference(nuisances.classified, both, design, test_);
    OrderedJson& tests = json["tests"];
    if (has_features()) tests["features"] = features.json;
    tests["raw activations"] = raw.json;
    tests["log-mel"] = mel.json;
    tests["nuisances"] = nuisances.json;
    json["verdict_rests_on"] = main_ == "raw" ? "raw activations" : "features";
    json["nuisances_and_features"] = to_json(both);
    json["increment_over_nuisances"] = io::to_json(*evidence_.increment);
    json["over_log_mel"] =
        io::to_json(auroc_difference(mel.classified, main.classified, design, test_));
    if (c_.shuffled) shuffled(raw, features, json);
    matched(main, json);
    share(main, json);
  }

  /// Like with like: features against features where the shuffled model has an SAE of its own, else
  /// raw activations against raw activations.
  void shuffled(const Tested& raw, const Tested& features, OrderedJson& json) {
    const Design& design = c_.items.design;
    const Tested shuffled_raw = test(c_.shuffled->pooled.raw, "shuffled model");
    json["tests"]["shuffled model, raw"] = shuffled_raw.json;
    evidence_.shuffled = shuffled_raw.classified;
    const Classified* trained = &raw.classified;
    if (has_features() && c_.shuffled->pooled.features.shape()[1] > 0) {
      const Tested t = test(c_.shuffled->pooled.features, "shuffled model");
      json["tests"]["shuffled model, features"] = t.json;
      evidence_.shuffled = t.classified;
      trained = &features.classified;
    }
    evidence_.over_shuffled = auroc_difference(*evidence_.shuffled, *trained, design, test_);
    json["over_shuffled_model"] = io::to_json(*evidence_.over_shuffled);
  }

  void matched(const Tested& main, OrderedJson& json) {
    const Design& design = c_.items.design;
    const auto places = matched_pairs(c_.trained.nuisances, design, options_.caliper);
    const auto pairs = static_cast<int64_t>(places.size() / 2);
    OrderedJson& m = json["matched_on_nuisances"];
    m = {{"caliper", options_.caliper}, {"pairs", pairs}};
    if (pairs < kLeastMatched) {
      evidence_.unmatched =
          fmt::format("{} pairs within {:g} deviations of every nuisance", pairs, options_.caliper);
      m["impossible"] = evidence_.unmatched;
      return;
    }
    const Design part = part_of(design, places);
    evidence_.matched = classifier_test(part_of(main.gram, places), part, test_);
    m["test"] = to_json(*evidence_.matched);
  }

  void features(OrderedJson& json) {
    json["features"] = features_json(c_, test_, options_.shown);
    progress_.advance(++step_, "columns");
  }

  void controls(OrderedJson& json) {
    json["nuisances"] = nuisances_json(c_, test_);
    json["controls"]["negative"] =
        negative_control(main_table(c_.trained), c_.items.design, c_.first, test_);
    json["controls"]["positive"] =
        c_.known_shift ? positive_control(main_table(c_.trained), main_table(*c_.known_shift),
                                          c_.items.design, c_.known_steps, c_.first, test_)
                       : OrderedJson{{"impossible", "not asked for"}};
    progress_.advance(++step_, "controls");
  }

  View<const float> main_table(const Gathered& g) const {
    return has_features() ? g.pooled.features.view() : g.pooled.raw.view();
  }

  /// Of what the discriminant says, how much nuisances explain; and how few columns carry it.
  void share(const Tested& main, OrderedJson& json) {
    const Classified& test = main.classified;
    Tensor<float> scores(Shape{c_.items.design.n(), 1});
    for (int64_t i = 0; i < scores.size(); ++i)
      scores[i] = static_cast<float>(test.scores[static_cast<size_t>(i)]);
    json["score_at_equal_nuisances"] =
        to_json(explained_by(c_.trained.nuisances, scores, c_.items.design, test_)[0]);
    constexpr int64_t kFew[] = {1, 3, 10, 30, 100};
    json["nuisances_overlap"] = evidence_.nuisances->auroc.value <= kOverlap;
    json["carried_by"] = OrderedJson::array();
    for (const Carried& one : carried_by(main_table(c_.trained), c_.items.design, kFew, test_))
      json["carried_by"].push_back({{"columns", one.columns},
                                    {"alone", io::to_json(one.alone)},
                                    {"without", io::to_json(one.without)}});
  }

  void behaviour(OrderedJson& json) {
    if (c_.trained.heard.empty()) return;
    const Behaviour b = behaviour_of(c_.items, c_.trained.windows, c_.trained.heard, test_.seed,
                                     options_.replicates);
    json["behaviour"] = to_json(b);
    const bool words = std::isfinite(b.wer.difference.value);
    const Estimate& difference = words ? b.wer.difference : b.wrote.difference;
    evidence_.behaviour_of = words ? "word error rate" : "share with text";
    if (b.content != "not matched" && std::isfinite(difference.value))
      evidence_.behaviour = difference;
    if (c_.steered)
      json["same_intervention"] =
          to_json(intervention_of(c_.items, c_.trained.windows, c_.trained.heard, *c_.steered,
                                  test_.seed, options_.replicates));
    if (c_.circuits) json["circuits"] = to_json(*c_.circuits);
    if (c_.directed) {
      json["steering"] = to_json(*c_.directed);
      const DirectionArm& arm = c_.directed->arms.front();
      evidence_.mediated = arm.toward[1].effect;
      evidence_.mediated_controls_p = arm.p;
    }
    progress_.advance(++step_, "behaviour");
  }

  const Comparison& c_;
  const CompareOptions& options_;
  Progress& progress_;
  TestOptions test_;
  Evidence evidence_;
  std::string_view main_ = "features";
  int64_t step_ = 0;
};

}  // namespace

OrderedJson compare(const Comparison& comparison, const CompareOptions& options, uint64_t seed,
                    Progress& progress) {
  return Run(comparison, options, seed, progress).all();
}

}  // namespace otoscope::contexts
