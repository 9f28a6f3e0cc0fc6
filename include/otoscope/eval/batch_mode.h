#pragma once
/// What a BatchTopK SAE rebuilds where it selects as it did in training: the k B largest codes of a
/// batch, in place of its threshold (methods.md §2.4). The two should agree; where they do not, the
/// threshold does not stand for the selection.

#include <cstdint>
#include <optional>

#include "otoscope/core/statistics/estimate.h"
#include "otoscope/eval/fidelity.h"
#include "otoscope/eval/sample.h"
#include "otoscope/sae/sae.h"

namespace otoscope::eval {

/// Rows are drawn into batches by seed, as training mixes them: a batch of neighbours would share
/// its codes among rows that are alike. The last batch is shorter.
struct BatchMode {
  int64_t k = 0, batch = 0;
  Estimate fvu;  // as Fidelity's
  Estimate l0;   // k, or less where fewer codes are positive
};

/// k of an SAE that was trained with a selection over batches; 0 where the file does not say so.
int64_t batch_k(const sae::Sae& sae);

/// As measure_fidelity: x, y row-aligned, moments y's. batch 0: 4,096 rows.
BatchMode measure_batch_mode(const sae::Sae& sae, int64_t k, const Sample& x, const Sample& y,
                             const Moments& moments, const FidelityOptions& options,
                             int64_t batch = 0);

}  // namespace otoscope::eval
