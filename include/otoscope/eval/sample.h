#pragma once
/// The rows that something is measured on, with the cluster that each belongs to. A row is a frame,
/// a token or anything else: this room does not know.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/store/store.h"

namespace otoscope::eval {

class Sample {
 public:
  /// A split of a store, at most `limit` rows (0 = all) at equal distances. Borrows the store.
  static Sample of_store(const store::Store& store, store::Split split, int64_t limit = 0);
  /// A matrix (n, d), borrowed; cluster[i] of row i (empty: each row its own).
  static Sample of_matrix(View<const float> x, std::vector<int32_t> cluster = {});

  int64_t rows() const { return static_cast<int64_t>(cluster_.size()); }
  int64_t d() const { return d_; }
  int64_t items() const { return items_; }
  int64_t clusters() const { return clusters_; }
  /// One index below clusters() per row.
  std::span<const int32_t> cluster() const { return cluster_; }
  /// Rows [first, first + out.shape[0]) -> out (n, d).
  void read(int64_t first, View<float> out) const;
  /// Rows of the sample in the order given -> out (rows.size(), d).
  void gather(const std::vector<int64_t>& rows, View<float> out) const { gather_(rows, out); }

 private:
  int64_t d_ = 0, items_ = 0, clusters_ = 0;
  std::vector<int32_t> cluster_;
  std::function<void(const std::vector<int64_t>&, View<float>)> gather_;
};

/// Calls visit(first, x) for consecutive blocks of at most `block` rows; x: (n, d). Stops with
/// Interrupted on ctrl-C.
void for_each_block(const Sample& sample, int64_t block,
                    const std::function<void(int64_t first, View<const float> x)>& visit);

/// Sums in double over a sample, or over some of its rows, enough for their variance on any
/// multiset of clusters.
struct Moments {
  int64_t rows = 0, d = 0;
  std::vector<double> mean;                 // (d)
  std::vector<double> coordinate_variance;  // (d)
  double variance = 0;                      // sum_b ||x_b - mean||^2 / rows
  double squared_norm = 0;                  // sum_b ||x_b||^2 / rows
  std::vector<double> cluster_rows;         // (C)
  std::vector<double> cluster_squares;      // (C): sum ||x||^2
  std::vector<double> cluster_sums;         // (C, d): sum x
  std::vector<double> row_squares;          // ||x_b||^2 of every row of the sample

  /// sum_b ||x_b - mu||^2 where cluster c counts multiplicity[c] times and mu is the mean of that.
  double scatter(std::span<const int32_t> multiplicity) const;
};
/// only: positions in the sample, ascending; empty: all rows.
Moments moments_of(const Sample& sample, const std::vector<int64_t>& only = {});

}  // namespace otoscope::eval
