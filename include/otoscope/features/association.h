#pragma once
/// What each unit goes with: its firings against every label value (methods.md §4.3, §4.8), with
/// value and threshold chosen on train and dev and figures of the test split.

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/features/counts.h"
#include "otoscope/features/labelled_rows.h"
#include "otoscope/features/postings.h"

namespace otoscope::features {

/// Rows between an event's edge and the edge of the label's interval that it lies in; negative =
/// before. Of the test split; n = 0: none, or a kind that holds for whole clips.
struct Lag {
  double median = 0, q1 = 0, q3 = 0;
  int64_t n = 0;
};

/// One unit against one label value at one threshold. Counts are over rows where the kind is
/// known.
struct Cell {
  int32_t unit = 0, value = 0;
  float threshold = 0;      // fires where its value is at least this
  double firing_share = 1;  // of its firings on train and dev: 1 = every firing
  Counts chosen, test;      // on train and dev; on test
  /// Of all its values, without a threshold; rows where it is silent tie.
  double auroc_chosen = 0.5, auroc = 0.5;
  Estimate precision, recall, f1;  // on test, by cluster bootstrap
  Lag onset, offset;
  /// Runs of firing rows (gaps of one row are bridged) that hold a row with the label, and the
  /// clusters they are from: over all labelled rows, and on test.
  int64_t events = 0, event_clusters = 0, test_events = 0, test_event_clusters = 0;
  /// Family-wise or false-discovery adjusted (null.h); NaN: not tested.
  double p = 1;
  std::string p_method;
};

struct AssociationOptions {
  int per_kind = 2;        // values kept per unit and kind, the best by MCC on train and dev, …
  double keep_mcc = 0.05;  // … from this MCC on; a unit's best is kept always
  int64_t least_rows = 5;  // firing rows with the label that a choice needs
  int replicates = 1000;
  uint64_t seed = 0;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("per-kind", o.per_kind, "label values kept per feature and kind", Range{1, 3});
    v("keep-mcc", o.keep_mcc, "correlation with a label from which it is kept", Range{0, 1});
  }
};

/// Cells of each unit, the best (MCC on train and dev) first.
struct Associations {
  std::vector<std::vector<Cell>> cells;  // (units)
  int64_t compared = 0;                  // units that fire x values, all of which were looked at
};

Associations associate(const Postings& postings, const LabelledRows& rows,
                       const AssociationOptions& options, Progress& progress);

/// Every value of one unit without a choice: for tests and tables. threshold 0: every firing.
std::vector<Cell> associate_all(const Postings& postings, int64_t unit, const LabelledRows& rows);

}  // namespace otoscope::features
