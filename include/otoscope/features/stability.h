#pragma once
/// Do other seeds find the same features? SAEs of one store matched with each other by direction
/// and by firing, beside what chance and untrained structure give (methods.md §3.6; PW-MCC:
/// arXiv:2505.20254). As stability.json and the table `stability` of features.sqlite
/// (docs/structure.md).

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/core/statistics.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

struct StabilityOptions {
  int64_t learning_rows = 65536;
  int64_t least_firings = 10;
  double found_cosine = 0.7;
  int64_t most_assigned = 6144;
  uint64_t seed = 0;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("learning-rows", o.learning_rows,
      "train and dev rows on which partners by firing are chosen, 0 = all", Range{0, 1e12});
    v("least-firings", o.least_firings,
      "firings in those rows below which a feature counts as dead", Range{1, 1e9});
    v("found-cosine", o.found_cosine,
      "mutual nearest neighbours count as found again from this cosine on", Range{0, 1});
    v("most-assigned", o.most_assigned,
      "features up to which the best assignment is computed; its time grows with the cube",
      Range{0, 1e6});
  }
};

/// A dictionary with its codes on the learning and on the test rows.
struct StabilitySae {
  std::string name;
  const sae::Sae* sae = nullptr;
  /// nullptr: the common store. A control of another model has its own store of the same rows.
  const store::Store* store = nullptr;
};

/// What two dictionaries share. Shares are of the live features of a unless said otherwise.
struct PairStability {
  std::string a, b;
  std::string differs;  // "initialisation and order", "initialisation", "order", "other", "unknown"
  int64_t live_a = 0, live_b = 0;
  /// Mutual nearest neighbours, whatever their cosine, and from .5, .7, .9 on.
  Estimate mutual, mutual_at[3];
  /// Nearest neighbour of a in b: share from .5, .7, .9 on, and mean cosine.
  Estimate nearest_at[3], nearest_mean;
  /// The best assignment by |cosine|: share from .5, .7, .9 on (with the sign), and the mean
  /// |cosine| of its pairs, PW-MCC. Not computed for very many features.
  bool assigned = false;
  Estimate assigned_at[3], pw_mcc;
  /// Share covered: IoU with the partner over .5 on test rows, the partner chosen on learning rows.
  Estimate covered_a, covered_b;
  /// The same with the partner chosen on the test rows themselves, as others report it, and that
  /// with the rows of b moved on by half: what chance gives to a choice among so many.
  double covered_same_rows = 0, covered_chance = 0;
};

/// "found by n of m seeds", for one SAE.
struct FoundAgain {
  std::vector<uint8_t> live;       // (F)
  std::vector<int32_t> seeds;      // (F): SAEs that have the feature, itself included; dead: 0
  std::vector<float> mean_cosine;  // (F): with the nearest in each other SAE
  std::vector<float> mean_iou;     // (F): on test rows, partners chosen on learning rows
};

struct Stability {
  nlohmann::ordered_json json() const;

  std::vector<StabilitySae> saes;
  std::vector<PairStability> pairs;     // every two of them
  std::vector<PairStability> controls;  // each SAE with each control, controls of one name
  std::vector<PairStability> nulls;     // random directions in the place of b
  std::vector<FoundAgain> found;        // by SAE
  int64_t width = 0, learning_rows = 0, test_rows = 0, clusters = 0;
  std::string store_hash, clusters_by;
  StabilityOptions options;
};

/// At least two SAEs of the store's site. Controls: SAEs of other kinds (of the shuffled model,
/// with a frozen decoder); those of one name are matched with each other too. UserError where
/// widths, sites, models or rows do not fit.
Stability measure_stability(const std::vector<StabilitySae>& saes,
                            const std::vector<StabilitySae>& controls, const store::Store& store,
                            const StabilityOptions& options, Progress& progress);

/// Writes table `stability` of an SAE's features.sqlite, replacing an earlier one: (feature, seeds,
/// of, mean_cosine, mean_iou). UserError where there is no such database.
void write_stability(const std::filesystem::path& database, const FoundAgain& found, int64_t of,
                     const std::string& identity);

}  // namespace otoscope::features
