#include "features/decompose/groups.h"

#include "otoscope/core/errors.h"
#include "otoscope/eval/pca.h"
#include "otoscope/eval/sample.h"
#include "otoscope/features/directions.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/kernels/rows.h"

namespace otoscope::features {
namespace {

constexpr int64_t kWidestPca = 1024;
constexpr int64_t kPcaRows = 32768;

/// Each row divided by its squared norm: the read-off of a neuron that writes along it.
void invert(Tensor<float>& read) {
  Tensor<float> factor(Shape{read.shape()[0]});
  kernels::row_norms(read, factor);
  for (int64_t u = 0; u < factor.size(); ++u)
    factor[u] = factor[u] > 0 ? 1 / (factor[u] * factor[u]) : 0;
  kernels::scale_rows(read, factor);
}

UnitGroup neurons_of(const UnitSource& source, const sae::Sae& sae) {
  const View<const float> W = source.output_weight;
  if (W.shape.rank() != 2 || W.shape[0] != sae.d_out() || W.shape[1] != source.neurons->d())
    throw UserError(source.neurons->path().string(),
                    "expected neurons of the model whose output weight is " + W.shape.str() +
                        ", and an SAE of the stream of width " + std::to_string(sae.d_out()),
                    "give the store of encoder.blocks.N.mlp_post of the same model");
  UnitGroup group;
  group.name = "neurons";
  group.store = source.neurons;
  group.read = Tensor<float>(Shape{W.shape[1], W.shape[0]});
  for (int64_t i = 0; i < W.shape[0]; ++i)
    for (int64_t u = 0; u < W.shape[1]; ++u) group.read.at(u, i) = W.at(i, u);
  invert(group.read);
  return group;
}

}  // namespace

UnitGroup given_units(const store::Store& store, const UnitSource& source, const sae::Sae& sae) {
  if (source.neurons != nullptr) return neurons_of(source, sae);
  UnitGroup group;
  group.store = &store;
  if (sae.d_out() != store.d())
    throw UserError(sae.folder.string(),
                    "expected an SAE that rebuilds its own site, got one that predicts another",
                    "give the neurons of the site that it predicts from as --neurons");
  if (!source.directions.empty()) {
    if (source.directions.shape()[1] != store.d())
      throw UserError("--directions", "expected rows of width " + std::to_string(store.d()) +
                                          ", got " + std::to_string(source.directions.shape()[1]));
    group.name = "directions";
    group.mix = source.directions.clone();
    kernels::normalize_rows(group.mix);
    group.read = group.mix.clone();
    return group;
  }
  group.name = "coordinates";
  group.read = Tensor<float>(Shape{store.d(), store.d()});
  for (int64_t u = 0; u < store.d(); ++u) group.read.at(u, u) = 1;
  return group;
}

UnitGroup random_units(const UnitGroup& units, const UnitSource& source, int64_t count,
                       uint64_t seed) {
  UnitGroup group;
  group.name = source.neurons != nullptr ? "random mixtures of neurons" : "random directions";
  group.store = units.store;
  group.mix = random_directions(count, units.store->d(), seed);
  if (source.neurons == nullptr) {
    group.read = group.mix.clone();
    return group;
  }
  group.read = Tensor<float>(Shape{count, source.output_weight.shape[0]});
  kernels::gemm({group.mix}, kernels::transposed(source.output_weight), group.read);
  invert(group.read);
  return group;
}

std::optional<UnitGroup> principal_axes(const store::Store& store, const sae::Sae& sae) {
  if (store.d() > kWidestPca || sae.d_out() != store.d()) return std::nullopt;
  const bool train = !store.rows_of(store::Split::train).empty();
  const eval::Pca pca = eval::fit_pca(
      eval::Sample::of_store(store, train ? store::Split::train : store::Split::dev, kPcaRows));
  UnitGroup group;
  group.name = "principal axes";
  group.store = &store;
  group.mix = pca.components.clone();
  group.read = pca.components.clone();
  return group;
}

}  // namespace otoscope::features
