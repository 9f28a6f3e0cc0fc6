#pragma once
/// Sparse codes of chosen rows of a store, in memory, with what every later count needs: the item
/// and the cluster of each row.

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/kernels/sparse.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

/// Rows of a store with the cluster that each belongs to (methods.md §0).
struct ChosenRows {
  std::vector<int64_t> rows;          // of the store, ascending
  std::vector<int32_t> cluster;       // below clusters.size()
  std::vector<std::string> clusters;  // names, in the order of their first row

  int64_t size() const { return static_cast<int64_t>(rows.size()); }
};

/// Rows of a split, at most `limit` of them (0 = all) at equal distances.
ChosenRows choose_rows(const store::Store& store, store::Split split, int64_t limit = 0);
/// The same of train and dev together: what things are chosen on.
ChosenRows choose_learning_rows(const store::Store& store, int64_t limit = 0);

/// Codes of these rows, in their order. UserError where the widths differ.
SparseRows code_rows(const sae::Sae& sae, const store::Store& store, const ChosenRows& chosen,
                     std::string_view what, Progress& progress);

/// UserError where the SAE's width, site or model is not the store's.
void check_sae_fits(const sae::Sae& sae, const store::Store& store);
/// UserError where two stores of one extraction do not hold the same rows: items, frames, order.
void check_same_rows(const store::Store& a, const store::Store& b);

/// Firings of each feature in these rows: (F).
std::vector<int64_t> firing_counts(const SparseRows& codes, int64_t F);

}  // namespace otoscope::features
