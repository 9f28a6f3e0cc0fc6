#pragma once
/// Could it be chance? (methods.md §4.4) Whole items get the labels of other items of the same
/// language and about the same length, which keeps every autocorrelation of rows as it is.
///
/// Kinds of up to 300 values: the maximum of MCC over all units and values tested in the kind, in
/// each permutation (Westfall & Young 1993): family-wise p. Words, morphemes and larger kinds: how
/// often the unit fires in clips that hold the value, exact within language and length
/// (hypergeometric), Benjamini-Hochberg within the kind.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/core/rng.h"
#include "otoscope/features/association.h"
#include "otoscope/features/labelled_rows.h"
#include "otoscope/features/postings.h"

namespace otoscope::features {

struct NullOptions {
  int permutations = 500;
  int most_values = 300;
  int block = 12;        // neighbours in length that exchange labels
  int exact_block = 60;  // the same for exact tests, which need more of a choice
  int least_clusters = 5;
  uint64_t seed = 0;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("permutations", o.permutations, "permutations of whole clips for the null of the maximum",
      Range{19, 100000});
  }
};

/// Groups of items of one side (and one language) that are neighbours in length.
class ItemStrata {
 public:
  ItemStrata(const LabelledRows& rows, Side side, bool within_language, int block);
  const std::vector<std::vector<int32_t>>& groups() const { return groups_; }
  /// For each row of the side's items the row whose labels it gets: the items of a group exchange
  /// their sequences, each stretched to the length of the item that it is laid on. Other rows: -1.
  std::vector<int32_t> exchange(const LabelledRows& rows, Rng& rng) const;

 private:
  std::vector<std::vector<int32_t>> groups_;
};

/// Languages are exchanged between languages, everything else within one.
bool exchanged_within_language(audio::LabelKind kind);
/// Kinds that are tested exactly, by clip.
bool tested_exactly(const LabelledRows& rows, audio::LabelKind kind, const NullOptions& options);

/// Sets p and p_method of each cell. Cells with too few clusters on either side get p = 1.
void test_against_chance(const Postings& postings, const LabelledRows& rows,
                         std::span<Cell* const> cells, const NullOptions& options,
                         Progress& progress);

/// The control "shuffled labels": one exchange on both sides.
labels::RowLabels shuffled_labels(std::span<const store::Item> items,
                                  const labels::RowLabels& labels, uint64_t seed);

}  // namespace otoscope::features
