#pragma once
/// Data with a known truth: the generator of SynthSAEBench (arXiv:2602.14687), reduced. Features
/// fire by power-law rates, correlate through factors, form a forest in which a child needs its
/// parent and siblings exclude each other, and share fewer dimensions than there are of them.

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/core/rng.h"
#include "otoscope/core/tensor.h"
#include "otoscope/kernels/sparse.h"
#include "otoscope/sae/batches.h"

namespace otoscope::eval {

struct SyntheticOptions {
  int64_t features = 1024;  // N
  int64_t width = 96;       // d
  int64_t roots = 8;
  int64_t branching = 4;
  int64_t depth = 3;  // levels below the roots
  int64_t factors = 25;
  double max_rate = .4, min_rate = 5e-4;  // of single features, by i^-1/2 between
  uint64_t seed = 42;
};

class Synthetic {
 public:
  explicit Synthetic(const SyntheticOptions& options = {});

  int64_t N() const { return options_.features; }
  int64_t d() const { return options_.width; }
  /// (N, d) unit rows.
  const Tensor<float>& directions() const { return directions_; }
  /// Rates that the forest is built to keep.
  const std::vector<double>& rates() const { return rates_; }
  /// Parent of a feature, -1 for roots and free ones. Features are numbered breadth first.
  int64_t parent(int64_t feature) const;

  /// Rows [first, first + x.rows()) of a stream, each a function of (seed, stream, row) alone.
  /// x: (n, d). truth: what is active, if not null.
  void rows(uint64_t stream, int64_t first, View<float> x, SparseRows* truth) const;

 private:
  struct Active {
    int32_t feature;
    float value;
  };
  void draw_row(Rng& rng, const float* shared, std::vector<Active>& active) const;
  void grow_forest();
  void spread_directions();

  SyntheticOptions options_;
  std::vector<double> rates_;
  std::vector<float> mean_, spread_;         // of magnitudes
  std::vector<float> threshold_, residual_;  // of the firing variable; sqrt(1 - sum L^2)
  Tensor<float> loadings_;                   // (N, factors)
  Tensor<float> directions_;                 // (N, d)
  std::vector<float> offset_;                // (d)
  int64_t trees_ = 0;                        // features in the forest
};

/// Fresh rows for every training batch; its dev rows are a stream of their own.
class SyntheticBatches : public sae::BatchSource {
 public:
  SyntheticBatches(const Synthetic& source, int64_t rows) : source_(source), rows_(rows) {}
  int64_t d() const override { return source_.d(); }
  int64_t rows() const override { return rows_; }
  void batch(uint64_t seed, int64_t i, View<float> out) const override;
  int64_t dev_rows() const override { return 16384; }
  void dev(int64_t first, View<float> out) const override;
  std::string hash() const override { return "synthetic"; }

 private:
  const Synthetic& source_;
  int64_t rows_;
};

}  // namespace otoscope::eval
