#include "otoscope/features/decompose.h"

#include <algorithm>

#include "features/decompose/compare.h"
#include "features/decompose/groups.h"
#include "features/decompose/illustrate.h"
#include "features/decompose/parts.h"
#include "features/decompose/sides.h"
#include "otoscope/core/errors.h"

namespace otoscope::features {
namespace {

/// One SAE with its codes on both sides.
struct CodedSae {
  const NamedSae& named;
  SparseRows learning, test;
};

Decomposition described(const store::Store& store, const UnitSource& source, const sae::Sae& sae,
                        const Sides& sides, const DecomposeOptions& options) {
  Decomposition out;
  out.options = options;
  out.store_hash = store.hash();
  out.sae_hash = sae.hash;
  out.site = store.site();
  out.unit_site = source.neurons == nullptr ? store.site() : source.neurons->site();
  if (source.neurons != nullptr) out.neurons_hash = source.neurons->hash();
  out.w = source.neurons != nullptr    ? "W_out[:, i] / ||W_out[:, i]||^2"
          : !source.directions.empty() ? "the direction"
                                       : "the coordinate";
  out.learning_rows = sides.learning.chosen.size();
  out.test_rows = sides.test.chosen.size();
  out.clusters = static_cast<int64_t>(sides.test.chosen.clusters.size());
  out.labelled_rows = std::count_if(sides.test.label.begin(), sides.test.label.end(),
                                    [](int32_t l) { return l >= 0; });
  return out;
}

/// Chosen on learning rows, then measured on test. shown: where the unit laid open goes, nullptr:
/// none is wanted.
UnitTable measure(const UnitGroup& group, const CodedSae& coded, const Sides& sides, int top,
                  int64_t only, std::optional<Illustration>* shown, Progress& progress) {
  const sae::Sae& sae = *coded.named.sae;
  const FeaturePostings learning_postings(coded.learning, sae.F()),
      test_postings(coded.test, sae.F());
  Tensor<float> signals(Shape{sides.learning.chosen.size(), group.units()});
  const UnitMoments learning = unit_moments(
      group, sides.learning.chosen, coded.learning, sae.F(), {},
      [&](int64_t first, View<const float> s) {
        std::copy_n(s.data, s.size(), signals.view().row(first));
      },
      progress);
  UnitTable table;
  table.name = group.name, table.of = coded.named.name;
  table.units = choose_parts(sae, group, learning, learning_postings, top);
  set_thresholds(signals, learning_postings, table.units);

  FiringRows firing(table.units.size());
  const UnitMoments test = unit_moments(
      group, sides.test.chosen, coded.test, sae.F(), learning.shift,
      [&](int64_t first, View<const float> s) {
        for (int64_t b = 0; b < s.rows(); ++b)
          for (int64_t u = 0; u < s.width(); ++u)
            if (s.at(b, u) > table.units[static_cast<size_t>(u)].threshold)
              firing[static_cast<size_t>(u)].push_back(static_cast<int32_t>(first + b));
      },
      progress);
  add_test_shares(sae, group, test, table.units);
  for (UnitParts& unit : table.units) {
    if (unit.parts.empty()) continue;
    const std::vector<int64_t> features = features_of(unit);
    const FewFit fit = fit_few(learning, learning_postings, unit.unit, features);
    unit.r2 = score_few(fit, test, test_postings, unit.unit, features);
  }
  compare_units(firing, test_postings, sides, table, progress);
  if (shown != nullptr)
    *shown = illustrate(table, {signals, learning, learning_postings}, firing, test_postings, sides,
                        only);
  return table;
}

}  // namespace

Decomposition decompose(const std::vector<NamedSae>& saes, const store::Store& store,
                        const UnitSource& source, const std::vector<audio::ClipLabels>& labels,
                        int64_t only, const DecomposeOptions& options, Progress& progress) {
  if (saes.empty()) throw UserError("--sae", "expected the folder of an SAE, got none");
  const Sides sides = make_sides(store, labels, options);
  if (source.neurons != nullptr) check_same_rows(store, *source.neurons);
  Decomposition out = described(store, source, *saes[0].sae, sides, options);
  for (const NamedSae& named : saes) {
    const sae::Sae& sae = *named.sae;
    check_sae_fits(sae, store);
    const CodedSae coded{
        named, code_rows(sae, store, sides.learning.chosen, "encode " + named.name, progress),
        code_rows(sae, store, sides.test.chosen, "encode " + named.name + ", test", progress)};
    const UnitGroup units = given_units(store, source, sae);
    const bool first = out.tables.empty();
    if (first && only >= units.units())
      throw UserError("--neuron", "expected a unit below " + std::to_string(units.units()) +
                                      ", got " + std::to_string(only));
    out.tables.push_back(measure(units, coded, sides, options.top, only,
                                 first ? &out.illustration : nullptr, progress));
    if (!first) continue;
    const auto control = [&](const UnitGroup& group) {
      out.tables.push_back(measure(group, coded, sides, options.top, -1, nullptr, progress));
    };
    if (options.random > 0) control(random_units(units, source, options.random, options.seed));
    if (const auto axes = principal_axes(store, sae)) control(*axes);
  }
  return out;
}

}  // namespace otoscope::features
