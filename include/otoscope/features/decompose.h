#pragma once
/// What a unit that answers to several things is made of (methods.md §4.7): the SAE features that
/// share a neuron or a direction, and how much purer each of them is, at equal counts of firings.
/// As decompose.json (docs/structure.md).
///
/// A unit u has a signal s_u on every row and a direction w_u in the SAE's output space. Feature j
/// contributes c_j = f_j <d_j, w_u> to it; its share is Cov(c_j, s_u) / Var(s_u).
/// Parts are the features with the largest shares among those that raise the unit, <d_j, w_u> > 0.
///   - a coordinate of the SAE's own site (a neuron, where the SAE is of mlp_post): s_u = x_u, w_u
///   =
///     e_u; the shares of all features and of the error add up to 1;
///   - a direction r of the SAE's site: s_u = <x, r>, w_u = r, the same;
///   - a neuron with an SAE of the stream after it: s_u is its activation, w_u = W_out[:, u] /
///     ||W_out[:, u]||^2, the output side: what the neuron adds to the stream is s_u W_out[:, u].
///     Others write along w_u too, so the shares need not add up to 1. (The input side, W_in, reads
///     the stream before the MLP: another site than the SAE's.)

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/audio/labels.h"
#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/core/statistics.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

struct DecomposeOptions {
  std::string kind = "phone";
  int top = 5;
  int64_t learning_rows = 65536;
  int64_t least_firings = 30;
  int64_t most_firings = 200;
  int random = 512;
  int draws = 4;
  uint64_t seed = 0;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("kind", o.kind, "kind of label that purity is measured by, one value at a time");
    v("top", o.top, "features that a unit is laid apart into", Range{1, 32});
    v("learning-rows", o.learning_rows,
      "train and dev rows on which features and thresholds are chosen, 0 = all", Range{0, 1e12});
    v("least-firings", o.least_firings, "labelled test firings that a comparison needs",
      Range{2, 1e9});
    v("most-firings", o.most_firings, "firings compared at most", Range{2, 1e9});
    v("random", o.random, "random directions beside the units, the control", Range{0, 65536});
  }
};

/// Units given from outside: neurons of another store of the same rows, or directions.
struct UnitSource {
  const store::Store* neurons = nullptr;  // signals are its columns; nullptr: the SAE's own store
  /// Neurons with an SAE of another site: (d_out of the SAE, neurons), columns as in W_out.
  View<const float> output_weight;
  /// Rows are directions (U, d) of the SAE's site, instead of neurons; empty: coordinates.
  Tensor<float> directions;
};

/// A feature's part in a unit.
struct Part {
  int64_t feature = 0;
  double share = 0;       // on learning rows, by which it was chosen
  double test_share = 0;  // the same on test
  int64_t n = 0;          // firings compared, of the feature and of the unit; 0: too few
  double senses = 0, unit_senses = 0;  // 2^H of the labels at n firings, on test
};

struct UnitParts {
  int64_t unit = 0;
  float threshold = 0;      // fires above it: as often as its parts do in the mean
  double test_share = 0;    // of the parts together
  double r2 = 0;            // of the unit by its parts, fitted on learning rows, on test
  std::vector<Part> parts;  // the largest share first
  double bits = 0;          // mean of log2 unit_senses - log2 senses by share; NaN: none compared
};

/// Units of one kind against one SAE.
struct UnitTable {
  std::string name;  // "neurons", "coordinates", "directions", "random directions", "pca axes", …
  std::string of;    // the SAE
  std::vector<UnitParts> units;
  int64_t compared = 0;                // units with a part that fires enough
  Estimate bits;                       // mean over units; groups of clusters left out
  double p = 1;                        // of bits = 0: signs flipped over units
  Estimate purer;                      // share of units that are more mixed than their parts
  double unit_senses = 0, senses = 0;  // 2 to the mean entropies, weighted alike
  double r2 = 0, test_share = 0;       // means over units
};

struct LabelShare {
  std::string label;
  double share = 0;
};

/// One unit laid open: for people.
struct Illustration {
  int64_t unit = -1;
  bool chosen = false;  // by us, on learning rows; else asked for
  UnitParts parts;
  int64_t firings = 0;             // labelled, on test
  std::vector<LabelShare> labels;  // the most frequent first
  struct PartLabels {
    int64_t feature = 0, firings = 0;
    std::vector<LabelShare> labels;
  };
  std::vector<PartLabels> of_parts;
};

struct Decomposition {
  std::vector<UnitTable> tables;  // the units first, then controls
  std::optional<Illustration> illustration;
  std::string store_hash, sae_hash, neurons_hash, site, unit_site, w;
  int64_t learning_rows = 0, test_rows = 0, labelled_rows = 0, clusters = 0;
  DecomposeOptions options;

  nlohmann::ordered_json json() const;
};

struct NamedSae {
  std::string name;
  const sae::Sae* sae = nullptr;
};

/// saes: the SAE, then controls of the same site (untrained, frozen). only: the unit to show; -1:
/// the one that learning rows recommend. UserError where rows, widths or labels do not fit.
Decomposition decompose(const std::vector<NamedSae>& saes, const store::Store& store,
                        const UnitSource& source, const std::vector<audio::ClipLabels>& labels,
                        int64_t only, const DecomposeOptions& options, Progress& progress);

}  // namespace otoscope::features
