#include "otoscope/contexts/compare.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/core.h>

#include "contexts/json.h"
#include "otoscope/contexts/behaviour.h"
#include "otoscope/contexts/columns.h"
#include "otoscope/contexts/held_out.h"
#include "otoscope/contexts/match.h"
#include "otoscope/contexts/nuisance.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::contexts {
namespace {

using io::OrderedJson;

constexpr int64_t kLeastMatched = 20;  // pairs

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
    if (has_features()) columns(json);
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
  }

  /// Like with like: features against features where the shuffled model has an SAE of its own, else
  /// raw activations against raw activations.
  void shuffled(const Tested& raw, const Tested& features, OrderedJson& json) {
    const Design& design = c_.items.design;
    const Tested shuffled_raw = test(c_.shuffled->pooled.raw, "shuffled model");
    json["tests"]["shuffled model, raw activations"] = shuffled_raw.json;
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

  /// What gives the context away: features by their mean, with the share of rows on which they
  /// fire.
  void columns(OrderedJson& json) {
    const Design& design = c_.items.design;
    const int64_t F = c_.trained.pooled.firing.shape()[1], n = design.n();
    Tensor<float> means(Shape{n, F});
    for (int64_t i = 0; i < n; ++i)
      std::copy_n(c_.trained.pooled.features.data() + i * 2 * F, F, means.view().row(i));
    const auto found = column_differences(means, design, test_, options_.shown);
    OrderedJson list = OrderedJson::array();
    for (size_t k = 0; k < found.size() && k < static_cast<size_t>(options_.shown); ++k) {
      const ColumnDifference& one = found[k];
      OrderedJson row = to_json(one);
      row["feature"] = one.column;
      row["name"] = c_.names.empty() ? "" : c_.names[static_cast<size_t>(one.column)];
      double firing[2] = {0, 0};
      for (int64_t i = 0; i < n; ++i)
        firing[design.context[static_cast<size_t>(i)]] +=
            static_cast<double>(c_.trained.pooled.firing.at(i, one.column));
      row["firing"] = {firing[0] / static_cast<double>(design.n_of(0)),
                       firing[1] / static_cast<double>(design.n_of(1))};
      list.push_back(std::move(row));
    }
    OrderedJson& f = json["features"];
    f["tested"] = found.size();
    f["q_at_most_.05"] =
        std::count_if(found.begin(), found.end(), [](const auto& c) { return c.q <= .05; });
    f["family_wise_.05"] =
        std::count_if(found.begin(), found.end(), [](const auto& c) { return c.p_family <= .05; });
    f["list"] = std::move(list);
    progress_.advance(++step_, "columns");
  }

  void nuisance_columns(OrderedJson& json) {
    OrderedJson list = OrderedJson::array();
    for (const ColumnDifference& one :
         column_differences(c_.trained.nuisances, c_.items.design, test_, kNuisanceCount)) {
      OrderedJson row = to_json(one);
      row["name"] = kNuisances[static_cast<size_t>(one.column)];
      list.push_back(std::move(row));
    }
    json["nuisances"] = std::move(list);
  }

  void controls(OrderedJson& json) {
    nuisance_columns(json);
    json["controls"]["negative"] = negative();
    json["controls"]["positive"] = positive();
    progress_.advance(++step_, "controls");
  }

  View<const float> main_table(const Gathered& g) const {
    return has_features() ? g.pooled.features.view() : g.pooled.raw.view();
  }

  /// The first context against itself: halves of its groups.
  OrderedJson negative() const {
    const Design& design = c_.items.design;
    std::vector<int64_t> places;
    for (int64_t i = 0; i < design.n(); ++i)
      if (design.context[static_cast<size_t>(i)] == 0) places.push_back(i);
    Design half = part_of(design, places);
    Rng rng(test_.seed, "contexts: halves");
    const auto order = rng.permutation(half.groups);
    std::vector<uint8_t> second(static_cast<size_t>(half.groups), 0);
    for (size_t i = 0; i < order.size() / 2; ++i) second[static_cast<size_t>(order[i])] = 1;
    for (size_t i = 0; i < half.context.size(); ++i)
      half.context[i] = second[static_cast<size_t>(half.group[i])];
    const Tensor<double> gram = gram_of(lines(main_table(c_.trained), places));
    try {
      OrderedJson json = to_json(classifier_test(gram, half, test_));
      json["what"] = c_.first + " split into two halves of its groups";
      return json;
    } catch (const UserError& error) {
      return {{"impossible", error.problem()}};
    }
  }

  /// A shift that is known to be there, in pairs.
  OrderedJson positive() const {
    if (!c_.known_shift) return {{"impossible", "not asked for"}};
    const auto m = c_.known_shift->pooled.raw.shape()[0];
    std::vector<int64_t> places;
    for (int64_t i = 0; i < m; ++i) places.push_back(i);
    Design once = part_of(c_.items.design, places);
    std::vector<uint8_t> context(static_cast<size_t>(2 * m), 0);
    std::vector<std::string> group, source(static_cast<size_t>(2 * m));
    for (int64_t i = 0; i < 2 * m; ++i) {
      context[static_cast<size_t>(i)] = i < m ? 0 : 1;
      group.push_back(std::to_string(once.group[static_cast<size_t>(i % m)]));
    }
    const Tensor<float> as_is = lines(main_table(c_.trained), places);
    const View<const float> changed = main_table(*c_.known_shift);
    Tensor<float> x(Shape{2 * m, as_is.shape()[1]});
    std::copy_n(as_is.data(), as_is.size(), x.data());
    std::copy_n(changed.data, changed.size(), x.data() + as_is.size());
    try {
      OrderedJson json =
          to_json(classifier_test(gram_of(x), make_design(context, group, source), test_));
      std::string what;
      for (const Step& step : c_.known_steps) what += (what.empty() ? "" : ",") + step_text(step);
      json["what"] = c_.first + " against itself with " + what;
      return json;
    } catch (const UserError& error) {
      return {{"impossible", error.problem()}};
    }
  }

  static Tensor<float> lines(View<const float> x, std::span<const int64_t> places) {
    Tensor<float> some(Shape{static_cast<int64_t>(places.size()), x.shape[1]});
    for (size_t i = 0; i < places.size(); ++i)
      std::copy_n(x.row(places[i]), x.shape[1], some.view().row(static_cast<int64_t>(i)));
    return some;
  }

  void behaviour(OrderedJson& json) {
    if (c_.trained.heard.empty()) return;
    const Behaviour b = behaviour_of(c_.items, c_.trained.windows, c_.trained.heard, test_.seed,
                                     options_.replicates);
    json["behaviour"] = to_json(b);
    const bool words = std::isfinite(b.wer.difference.value);
    const Estimate& difference = words ? b.wer.difference : b.wrote.difference;
    if (b.content != "not matched" && std::isfinite(difference.value))
      evidence_.behaviour = difference;
    if (c_.steered)
      json["same_intervention"] =
          to_json(intervention_of(c_.items, c_.trained.windows, c_.trained.heard, *c_.steered,
                                  test_.seed, options_.replicates));
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
