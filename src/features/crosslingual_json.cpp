#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/features/crosslingual.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::features {
namespace {

using io::OrderedJson;
using io::to_json;

constexpr size_t kListed = 20;
constexpr double kPrecise = 0.5;

OrderedJson retrieval_json(const Retrieval& r) {
  OrderedJson json;
  if (!r.a.empty()) json = {{"a", r.a}, {"b", r.b}};
  json["prompts"] = r.prompts;
  json["top1"] = to_json(r.top1);
  json["mrr"] = to_json(r.mrr);
  json["chance_top1"] = r.chance_top1;
  json["chance_mrr"] = r.chance_mrr;
  json["cosine"] = {{"translations", r.matched}, {"others", r.mismatched}};
  return json;
}

OrderedJson representation_json(const RepresentationResult& r) {
  OrderedJson json{{"of", r.of},
                   {"what", r.what},
                   {"pool", r.pool},
                   {"centre", centre_name(r.centre)},
                   {"learning_mrr", r.learning_mrr},
                   {"chosen", r.chosen},
                   {"all", retrieval_json(r.result.all)},
                   {"p", r.result.p},
                   {"p_like_length", r.result.p_length}};
  json["pairs"] = OrderedJson::array();
  for (const Retrieval& pair : r.result.pairs) json["pairs"].push_back(retrieval_json(pair));
  return json;
}

/// Mean of S over features whose label was precise when it was chosen.
OrderedJson label_ratio_json(std::span<const LabelPrecision> precision, int32_t a, int32_t b) {
  std::vector<double> ratios;
  for (const LabelPrecision& one : precision)
    if (one.label >= 0 && one.chosen >= kPrecise && std::isfinite(one.ratio(a, b)))
      ratios.push_back(one.ratio(a, b));
  if (ratios.empty()) return nullptr;
  const std::vector<double> ones(ratios.size(), 1);
  Estimate mean = bootstrap_ratio(ratios, ones, static_cast<int64_t>(ratios.size()), 0, 1000);
  mean.method += ", over features";
  return to_json(mean);
}

/// Features that mean the most and the least alike in two languages.
OrderedJson extremes_json(const PairSharing& pair, const SaeCrosslingual& sae,
                          const std::vector<std::string>& values, bool most) {
  std::vector<size_t> order;
  for (size_t f = 0; f < pair.by_feature.size(); ++f)
    if (std::isfinite(pair.by_feature[f].across)) order.push_back(f);
  const auto gap = [&](size_t f) { return pair.by_feature[f].across - pair.by_feature[f].within; };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t x, size_t y) { return most ? gap(x) > gap(y) : gap(x) < gap(y); });
  OrderedJson list = OrderedJson::array();
  for (size_t i = 0; i < std::min(kListed, order.size()); ++i) {
    const FeatureSharing& one = pair.by_feature[order[i]];
    OrderedJson json{
        {"feature", order[i]}, {"n", one.n}, {"across", one.across}, {"within", one.within}};
    if (!sae.precision.empty() && sae.precision[order[i]].label >= 0)
      json["label"] = values[static_cast<size_t>(sae.precision[order[i]].label)];
    list.push_back(std::move(json));
  }
  return list;
}

OrderedJson rates_json(const RateDifference& pair) {
  return {{"features", pair.features},
          {"prompts", pair.prompts},
          {"fourfold", to_json(pair.fourfold)},
          {"chance", pair.fourfold_chance},
          {"chance_95", pair.fourfold_chance_95},
          {"p", pair.p}};
}

OrderedJson translations_json(const Translations& t) {
  std::vector<size_t> order;
  for (size_t f = 0; f < t.r.size(); ++f)
    if (std::isfinite(t.r[f]) && t.q[f] <= 0.05F) order.push_back(f);
  std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return t.r[x] > t.r[y]; });
  OrderedJson list = OrderedJson::array();
  for (size_t i = 0; i < std::min(kListed, order.size()); ++i)
    list.push_back({{"feature", order[i]}, {"r", t.r[order[i]]}, {"q", t.q[order[i]]}});
  return {{"features", t.features},
          {"significant", t.significant},
          {"mean_r", t.mean_r},
          {"chance_r", t.chance_r},
          {"best", list}};
}

}  // namespace

OrderedJson Crosslingual::json() const {
  OrderedJson json{{"schema", "otoscope.crosslingual"},
                   {"version", 1},
                   {"store", store_hash},
                   {"sae", sae_hash},
                   {"test_rows", test_rows},
                   {"clusters", clusters},
                   {"prompts", prompts},
                   {"clips", clips},
                   {"labelled_rows", labelled_rows}};
  json["languages"] = OrderedJson::array();
  for (size_t l = 0; l < languages.size(); ++l)
    json["languages"].push_back({{"language", languages[l]}, {"speakers", speakers[l]}});

  json["retrieval"] = OrderedJson::array();
  for (const RepresentationResult& one : retrieval)
    json["retrieval"].push_back(representation_json(one));

  json["saes"] = OrderedJson::array();
  for (const SaeCrosslingual& sae : saes) {
    OrderedJson one{{"name", sae.name}, {"translations", translations_json(sae.translations)}};
    one["categories"] = OrderedJson::array();
    for (const CategoryResult& category : sae.categories)
      one["categories"].push_back(
          {{"category", category.category},
           {"features", category.features},
           {"mean_r",
            std::isfinite(category.mean_r) ? OrderedJson(category.mean_r) : OrderedJson(nullptr)},
           {"significant", category.significant},
           {"search", representation_json(category.search)}});
    one["pairs"] = OrderedJson::array();
    for (size_t i = 0; i < sae.rates.size(); ++i) {
      const auto a = static_cast<size_t>(sae.rates[i].a), b = static_cast<size_t>(sae.rates[i].b);
      OrderedJson pair{{"a", languages[a]},
                       {"b", languages[b]},
                       {"same_speakers", !speakers[a].empty() && speakers[a] == speakers[b]},
                       {"rates", rates_json(sae.rates[i])}};
      if (!sae.sharing.empty()) {
        const PairSharing& sharing = sae.sharing[i];
        pair["sharing"] = {
            {"features", sharing.features},      {"labels", sharing.labels},
            {"across", to_json(sharing.across)}, {"within", to_json(sharing.within)},
            {"other", to_json(sharing.other)},   {"shared", to_json(sharing.shared)}};
        if (!sae.precision.empty())
          pair["sharing"]["precision_ratio"] =
              label_ratio_json(sae.precision, sharing.a, sharing.b);
        pair["sharing"]["most_alike"] = extremes_json(sharing, sae, label_values, true);
        pair["sharing"]["least_alike"] = extremes_json(sharing, sae, label_values, false);
      }
      one["pairs"].push_back(std::move(pair));
    }
    json["saes"].push_back(std::move(one));
  }
  CrosslingualOptions given = options;
  json["options"] = io::options_to_json(options_of(given));
  json["seed"] = options.seed;
  return json;
}

}  // namespace otoscope::features
