#include "otoscope/steer/contrast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/steer/directions.h"

namespace otoscope::steer {
namespace {

constexpr int kMatched = 40;  // nearest features that controls are drawn from

/// Sums over items of their means.
struct Side {
  std::vector<double> sum, squares;  // (F)
  std::vector<double> row;           // (d)
  double items = 0;
};

std::vector<size_t> items_of(const store::Store& store, store::Split split,
                             const std::function<int(const store::Item&)>& side, int wanted,
                             int64_t most) {
  std::vector<std::pair<std::pair<uint64_t, std::string>, size_t>> found;
  for (size_t i = 0; i < store.items().size(); ++i) {
    const store::Item& item = store.items()[i];
    const bool in = split == store::Split::all ||
                    (!item.split.empty() && store::split_named(item.split) == split);
    if (in && item.n_rows > 0 && side(item) == wanted)
      found.push_back({{name_hash(item.id), item.id}, i});
  }
  std::sort(found.begin(), found.end());
  if (static_cast<int64_t>(found.size()) > most) found.resize(static_cast<size_t>(most));
  std::vector<size_t> items;
  items.reserve(found.size());
  for (const auto& [key, i] : found) items.push_back(i);
  std::sort(items.begin(), items.end());
  return items;
}

void add_item(const sae::Encoder& encoder, const store::Store& store, const store::Item& item,
              SparseRows& codes, Side& side) {
  Tensor<float> x(Shape{item.n_rows, store.d()});
  store.read(item.first_row, x);
  encoder.encode(x, codes);
  const auto n = static_cast<double>(item.n_rows);
  std::vector<double> mean(side.sum.size());
  for (size_t e = 0; e < codes.indices.size(); ++e)
    mean[static_cast<size_t>(codes.indices[e])] += codes.values[e] / n;
  for (size_t j = 0; j < mean.size(); ++j)
    side.sum[j] += mean[j], side.squares[j] += mean[j] * mean[j];
  for (int64_t r = 0; r < item.n_rows; ++r)
    for (int64_t i = 0; i < store.d(); ++i)
      side.row[static_cast<size_t>(i)] += static_cast<double>(x.at(r, i)) / n;
  side.items += 1;
}

}  // namespace

Contrast contrast(const sae::Sae& sae, const store::Store& store, store::Split split,
                  const std::function<int(const store::Item&)>& side, int64_t most_items,
                  Progress& progress) {
  if (sae.d() != store.d())
    throw UserError(store.path().string(), "expected rows of the SAE's width",
                    "the SAE belongs to another site or model");
  std::array<std::vector<size_t>, 2> items;
  std::array<Side, 2> sides;
  for (int s = 0; s < 2; ++s) {
    const auto at = static_cast<size_t>(s);
    items[at] = items_of(store, split, side, s, most_items);
    if (items[at].size() < 2)
      throw UserError(store.path().string(),
                      s == 0 ? "expected two clips or more to steer from"
                             : "expected two clips or more to steer toward",
                      "choose languages or labels that the store holds");
    sides[at].sum.resize(static_cast<size_t>(sae.F()));
    sides[at].squares.resize(static_cast<size_t>(sae.F()));
    sides[at].row.resize(static_cast<size_t>(sae.d()));
  }
  const sae::Encoder encoder(sae);
  SparseRows codes;
  progress.start("comparing clips", static_cast<int64_t>(items[0].size() + items[1].size()),
                 "clips");
  int64_t done = 0;
  for (size_t s = 0; s < 2; ++s)
    for (const size_t i : items[s]) {
      throw_if_interrupted();
      add_item(encoder, store, store.items()[i], codes, sides[s]);
      progress.advance(++done);
    }
  progress.finish();

  Contrast result;
  std::vector<std::pair<double, int32_t>> ranked;
  std::vector<double> t(static_cast<size_t>(sae.F())), shift(t.size());
  for (size_t j = 0; j < t.size(); ++j) {
    double mean[2], error = 0;
    for (size_t s = 0; s < 2; ++s) {
      const double n = sides[s].items;
      mean[s] = sides[s].sum[j] / n;
      error += std::max(0.0, sides[s].squares[j] - n * mean[s] * mean[s]) / (n - 1) / n;
    }
    shift[j] = mean[1] - mean[0];
    if (!(error > 0)) continue;  // never fired
    t[j] = shift[j] / std::sqrt(error);
    ranked.emplace_back(-std::abs(t[j]), static_cast<int32_t>(j));
  }
  std::sort(ranked.begin(), ranked.end());
  for (const auto& [key, j] : ranked) {
    result.features.push_back(j);
    result.t.push_back(t[static_cast<size_t>(j)]);
    result.shift.push_back(static_cast<float>(shift[static_cast<size_t>(j)]));
  }
  for (size_t i = 0; i < sides[0].row.size(); ++i)
    result.direction.push_back(
        static_cast<float>(sides[1].row[i] / sides[1].items - sides[0].row[i] / sides[0].items));
  for (size_t s = 0; s < 2; ++s) result.items[s] = static_cast<int64_t>(sides[s].items);
  return result;
}

Operator shift_features(const Contrast& contrast, int k) {
  const size_t n = std::min(static_cast<size_t>(k), contrast.features.size());
  return on_features(
      Action::add, {contrast.features.begin(), contrast.features.begin() + static_cast<int64_t>(n)},
      1, {contrast.shift.begin(), contrast.shift.begin() + static_cast<int64_t>(n)});
}

Operator shift_direction(const Contrast& contrast) {
  double squares = 0;
  for (const float v : contrast.direction) squares += static_cast<double>(v) * v;
  return add_direction(contrast.direction, 1, std::sqrt(squares));
}

std::vector<Operator> matched_operators(const Operator& op, const Scales& scales, int count,
                                        uint64_t seed) {
  OTO_ASSERT(uses_features(op.action));
  std::vector<std::vector<int32_t>> near;
  for (const int32_t feature : op.features) {
    // The tested ones come first in the list of those that are not to be drawn.
    std::vector<int32_t> candidates = matched_features(
        scales, {feature}, std::max(kMatched, 2 * count) + static_cast<int>(op.features.size()));
    std::erase_if(candidates, [&](int32_t j) {
      return std::find(op.features.begin(), op.features.end(), j) != op.features.end();
    });
    candidates.resize(
        std::min(candidates.size(), static_cast<size_t>(std::max(kMatched, 2 * count))));
    Rng rng(seed, "matched " + std::to_string(feature));
    std::vector<int32_t> shuffled;
    for (const int64_t i : rng.permutation(static_cast<int64_t>(candidates.size())))
      shuffled.push_back(candidates[static_cast<size_t>(i)]);
    near.push_back(std::move(shuffled));
  }
  std::vector<Operator> all;
  for (int c = 0; c < count; ++c) {
    Operator control = op;
    std::set<int32_t> used;
    bool possible = true;
    for (size_t j = 0; j < near.size() && possible; ++j) {
      possible = !near[j].empty();
      for (size_t k = 0; possible && k < near[j].size(); ++k) {
        const int32_t chosen = near[j][(static_cast<size_t>(c) + k) % near[j].size()];
        control.features[j] = chosen;
        if (used.insert(chosen).second) break;
      }
    }
    // A feature's own unit goes with it where units are its percentile or mean.
    if (possible) all.push_back(std::move(control));
  }
  return all;
}

void add_controls(std::vector<Arm>& arms, size_t of, std::vector<double> strengths, int count,
                  int every, const Scales& scales, int64_t d, uint64_t seed, const eval::Pca* pca) {
  Arm base;
  base.strengths = std::move(strengths);
  base.decode = arms[of].decode;
  base.language = arms[of].language;
  base.every = every;
  base.of = static_cast<int>(of);
  const std::vector<Operator> operators = arms[of].operators;
  std::vector<std::vector<Operator>> sets(static_cast<size_t>(count));
  bool features = !operators.empty();
  for (const Operator& op : operators) {
    features = features && uses_features(op.action);
    if (!features) break;
    auto matched = matched_operators(op, scales, count, seed);
    features = matched.size() == static_cast<size_t>(count);
    for (size_t c = 0; features && c < matched.size(); ++c) {
      if (op.action == Action::clamp)  // in the control's own percentiles
        matched[c].units = scales.p99_of(matched[c].features);
      sets[c].push_back(std::move(matched[c]));
    }
  }
  if (features)
    for (size_t c = 0; c < sets.size(); ++c) {
      Arm arm = base;
      arm.name = "random features " + std::to_string(c + 1);
      arm.role = Arm::Role::random_feature;
      arm.operators = sets[c];
      arm.match = static_cast<int>(of);
      arms.push_back(std::move(arm));
    }
  const auto add = [&](const char* name, Arm::Role role,
                       const std::vector<std::vector<float>>& directions) {
    for (size_t c = 0; c < directions.size(); ++c) {
      Arm arm = base;
      arm.name = name + std::to_string(c + 1);
      arm.role = role;
      arm.operators = operators;
      arm.redirect = directions[c];
      arms.push_back(std::move(arm));
    }
  };
  add("random direction ", Arm::Role::random_direction, random_directions(d, count, seed));
  if (pca != nullptr)
    add("random principal direction ", Arm::Role::random_principal,
        random_principal_directions(*pca, kPrincipal, count, seed));
}

}  // namespace otoscope::steer
