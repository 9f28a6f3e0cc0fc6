#include "otoscope/features/evidence.h"

#include <algorithm>

#include "features/examples.h"
#include "features/tally.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/store/levels.h"

namespace otoscope::features {

RowFacts row_facts(const store::Store& store, Progress& progress) {
  store::RowLevels levels = store::row_levels(store, store::Split::all, progress);
  return {std::move(levels.db), std::move(levels.silent)};
}

Evidence gather_evidence(const sae::Sae& sae, const store::Store& store,
                         store::Split statistics_split, const RowFacts& facts,
                         const EvidenceOptions& options, Progress& progress) {
  if (sae.d() != store.d())
    throw UserError(store.path().string(),
                    "expected rows of width " + std::to_string(sae.d()) + " (the SAE's), got " +
                        std::to_string(store.d()),
                    "describe the SAE on a store of the site it was trained on");
  const sae::Encoder encoder(sae);
  const std::vector<int64_t> wanted = store.rows_of(statistics_split);
  std::vector<uint8_t> counted(static_cast<size_t>(store.rows()), 0);
  for (const int64_t row : wanted) counted[static_cast<size_t>(row)] = 1;

  TallyBuilder tally(store, sae.F(), options);
  ExampleKeeper examples(sae.F(), options);
  progress.start("gather evidence", store.rows(), "rows");
  Tensor<float> x(Shape{options.block, store.d()});
  SparseRows codes, chosen;
  for (int64_t first = 0; first < store.rows(); first += options.block) {
    throw_if_interrupted();
    const int64_t n = std::min(options.block, store.rows() - first);
    const View<float> block = x.view().slice(0, n);
    store.read(first, block);
    codes.clear();
    encoder.encode(block, codes);

    chosen.clear();
    std::vector<int64_t> chosen_rows;
    for (int64_t b = 0; b < n; ++b) {
      const int64_t row = first + b;
      const store::RowOrigin origin = store.origin(row);
      const auto begin = codes.indptr[static_cast<size_t>(b)],
                 end = codes.indptr[static_cast<size_t>(b) + 1];
      for (int64_t e = begin; e < end; ++e)
        examples.add(codes.indices[static_cast<size_t>(e)],
                     {codes.values[static_cast<size_t>(e)], row, origin.item, origin.frame});
      if (counted[static_cast<size_t>(row)] == 0) continue;
      chosen_rows.push_back(row);
      chosen.indices.insert(chosen.indices.end(), codes.indices.begin() + begin,
                            codes.indices.begin() + end);
      chosen.values.insert(chosen.values.end(), codes.values.begin() + begin,
                           codes.values.begin() + end);
      chosen.indptr.push_back(static_cast<int64_t>(chosen.indices.size()));
    }
    tally.add(chosen, chosen_rows, facts);
    progress.advance(first + n);
  }
  progress.finish();
  return {tally.finish(), examples.top(), examples.quantiles()};
}

}  // namespace otoscope::features
