#include "otoscope/features/stability.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "features/stability_pairs.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::features {
namespace {

/// The options that a training of ours keeps with the SAE; null for others.
nlohmann::json training_options(const sae::Sae& sae) {
  const auto ours = nlohmann::json::parse(sae.otoscope, nullptr, false);
  if (!ours.is_object() || !ours.contains("options") || !ours["options"].is_object()) return {};
  return ours["options"];
}

std::string difference(const sae::Sae& a, const sae::Sae& b) {
  nlohmann::json one = training_options(a), other = training_options(b);
  if (one.is_null() || other.is_null()) return "unknown";
  const bool init = one.value("seed-init", 0) != other.value("seed-init", 0),
             data = one.value("seed-data", 0) != other.value("seed-data", 0);
  for (auto* options : {&one, &other}) options->erase("seed-init"), options->erase("seed-data");
  if (one != other) return "other";
  if (init && data) return "initialisation and order";
  return init ? "initialisation" : data ? "order" : "nothing";
}

/// Which SAEs have each feature of `a`, over its pairs with all others.
void count_found(const Dictionary& a, std::span<const Matched* const> matches, double least,
                 FoundAgain& out) {
  const size_t F = a.live.size();
  out.live = a.live;
  out.seeds.assign(F, 0);
  out.mean_cosine.assign(F, 0);
  out.mean_iou.assign(F, 0);
  for (size_t f = 0; f < F; ++f) {
    if (a.live[f] == 0) continue;
    out.seeds[f] = 1;
    for (const Matched* match : matches) {
      const float cosine = match->cosine[f];
      out.seeds[f] += match->mutual[f] != 0 && cosine >= static_cast<float>(least);
      out.mean_cosine[f] += cosine / static_cast<float>(matches.size());
      out.mean_iou[f] += match->iou[f] / static_cast<float>(matches.size());
    }
  }
}

/// A stand-in for b: live directions that mean nothing, without codes.
Dictionary random_dictionary(const std::string& name, Tensor<float> directions) {
  Dictionary d;
  d.name = name;
  for (int64_t f = 0; f < directions.shape()[0]; ++f) d.ids.push_back(f);
  d.live.assign(d.ids.size(), 1);
  d.directions = std::move(directions);
  return d;
}

}  // namespace

Stability measure_stability(const std::vector<StabilitySae>& saes,
                            const std::vector<StabilitySae>& controls, const store::Store& store,
                            const StabilityOptions& options, Progress& progress) {
  if (saes.size() < 2)
    throw UserError("--sae",
                    "expected two or more SAEs to match, got " + std::to_string(saes.size()),
                    "train with --seed-init 0,1,2 or --seed-data 0,1,2");
  Stability out;
  out.saes = saes;
  out.options = options;
  out.store_hash = store.hash();
  out.clusters_by = store.clusters_by_speaker() ? "speaker" : "prompt";
  const ChosenRows learning = choose_learning_rows(store, options.learning_rows),
                   test = choose_rows(store, store::Split::test);
  for (const auto& [rows, split] : {std::pair(&learning, "train or dev"), {&test, "test"}})
    if (rows->rows.empty())
      throw UserError(store.path().string(), std::string("expected ") + split + " rows, got none",
                      "extract the store without --split");
  out.learning_rows = learning.size(), out.test_rows = test.size();
  out.clusters = static_cast<int64_t>(test.clusters.size());
  out.width = store.d();

  std::vector<Dictionary> dictionaries;
  for (const auto* list : {&saes, &controls})
    for (const StabilitySae& one : *list) {
      const store::Store& rows = one.store == nullptr ? store : *one.store;
      if (one.store != nullptr) check_same_rows(store, rows);
      dictionaries.push_back(read_dictionary(one, rows, learning, test, options, progress));
    }

  PairMeter meter(test, options);
  const size_t S = saes.size(), all = dictionaries.size();
  progress.start("match features", static_cast<int64_t>(S * (S - 1) / 2 + S * (all - S)), "pairs");
  int64_t done = 0;
  std::vector<Matched> kept(S * S);
  for (size_t i = 0; i < S; ++i)
    for (size_t j = i + 1; j < S; ++j) {
      PairMeasured pair = meter.measure(dictionaries[i], dictionaries[j]);
      pair.stability.differs = difference(*saes[i].sae, *saes[j].sae);
      out.pairs.push_back(std::move(pair.stability));
      kept[i * S + j] = std::move(pair.of_a), kept[j * S + i] = std::move(pair.of_b);
      progress.advance(++done);
    }
  for (size_t i = 0; i < all; ++i)
    for (size_t j = std::max(i + 1, S); j < all; ++j) {
      if (i >= S && dictionaries[i].name != dictionaries[j].name) continue;
      out.controls.push_back(meter.measure(dictionaries[i], dictionaries[j]).stability);
      out.controls.back().differs = i < S ? "control" : "within the control";
      progress.advance(std::min<int64_t>(++done, static_cast<int64_t>(S * all)));
    }
  progress.finish();

  const auto random_seed = options.seed + 1;
  const Dictionary& first = dictionaries[0];
  const auto F = static_cast<int64_t>(first.ids.size());
  out.nulls.push_back(
      meter
          .measure(first, random_dictionary("random directions",
                                            random_directions(F, out.width, random_seed)))
          .stability);
  out.nulls.push_back(
      meter
          .measure(first,
                   random_dictionary("random directions of equal second moments",
                                     random_directions_like(first.directions, F, random_seed)))
          .stability);
  for (PairStability& null : out.nulls) null.differs = "null";

  for (size_t i = 0; i < S; ++i) {
    std::vector<const Matched*> matches;
    for (size_t j = 0; j < S; ++j)
      if (j != i) matches.push_back(&kept[i * S + j]);
    out.found.emplace_back();
    count_found(dictionaries[i], matches, options.found_cosine, out.found.back());
  }
  return out;
}

}  // namespace otoscope::features
