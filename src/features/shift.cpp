#include "otoscope/features/shift.h"

#include <algorithm>
#include <map>

#include "features/intervals.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::features {
namespace {

SparseRows codes_of_item(const sae::Encoder& encoder, const store::Store& store,
                         const store::Item& item) {
  Tensor<float> x(Shape{item.n_rows, store.d()});
  store.read(item.first_row, x.view());
  SparseRows codes;
  encoder.encode(x.view(), codes);
  return codes;
}

std::map<std::string, const store::Item*> items_by_id(const store::Store& store) {
  std::map<std::string, const store::Item*> items;
  for (const store::Item& item : store.items()) items[item.id] = &item;
  return items;
}

}  // namespace

ShiftResult shift_test(const sae::Sae& sae, const store::Store& base,
                       std::span<const store::Store> shifted, uint64_t seed, Progress& progress) {
  std::vector<std::map<std::string, const store::Item*>> places;
  for (const store::Store& store : shifted) {
    if (store.d() != sae.d())
      throw UserError(store.path().string(), "expected rows of width " + std::to_string(sae.d()) +
                                                 ", got " + std::to_string(store.d()));
    places.push_back(items_by_id(store));
  }

  std::map<std::string, size_t> clusters;
  for (const store::Item& item : base.items()) clusters.emplace(item.cluster, clusters.size());
  const size_t C = clusters.size();
  const auto F = static_cast<size_t>(sae.F());
  std::vector<float> fired(C * F, 0), survived(C * F, 0);

  const sae::Encoder encoder(sae);
  progress.start("shift test", static_cast<int64_t>(base.items().size()), "clips");
  int64_t done = 0;
  for (const store::Item& item : base.items()) {
    throw_if_interrupted();
    const SparseRows here = codes_of_item(encoder, base, item);
    const size_t cluster = clusters[item.cluster];
    for (size_t s = 0; s < shifted.size(); ++s) {
      const auto found = places[s].find(item.id);
      if (found == places[s].end() || found->second->n_rows != item.n_rows)
        throw UserError(shifted[s].path().string(),
                        "expected the same clips as " + base.path().string() + ", but " + item.id +
                            " is missing or of another length",
                        "extract both from the same manifest");
      const SparseRows there = codes_of_item(encoder, shifted[s], *found->second);
      for (int64_t r = 0; r < item.n_rows; ++r) {
        const auto row = static_cast<size_t>(r);
        int64_t e = there.indptr[row];
        for (int64_t i = here.indptr[row]; i < here.indptr[row + 1]; ++i) {
          const int32_t feature = here.indices[static_cast<size_t>(i)];
          while (e < there.indptr[row + 1] && there.indices[static_cast<size_t>(e)] < feature) ++e;
          const size_t cell = cluster * F + static_cast<size_t>(feature);
          fired[cell] += 1;
          if (e < there.indptr[row + 1] && there.indices[static_cast<size_t>(e)] == feature)
            survived[cell] += 1;
        }
      }
    }
    progress.advance(++done);
  }
  progress.finish();
  ShiftResult result;
  result.share = bootstrap_ratios(survived, fired, static_cast<int64_t>(C), sae.F(), seed);
  result.items = static_cast<int64_t>(base.items().size());
  result.clusters = static_cast<int64_t>(C);
  result.shifts = static_cast<int64_t>(shifted.size());
  return result;
}

}  // namespace otoscope::features
