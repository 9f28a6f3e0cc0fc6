#pragma once
/// One pass of a reconstructor over a sample: every sum that fidelity.cpp needs.

#include <array>
#include <cstdint>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/eval/reconstructor.h"
#include "otoscope/eval/sample.h"

namespace otoscope::eval {

class Accumulator {
 public:
  /// part: positions in the sample that are summed by themselves too.
  Accumulator(const Reconstructor& model, const Sample& y, const Moments& moments,
              std::vector<uint8_t> decile, const std::vector<int64_t>& part = {});
  void run(const Sample& x, const Sample& y, int64_t batch, Progress& progress);

  // Per cluster.
  std::vector<double> residual, cosine, l2_ratio, xhat_squares, product, l0, l1, scatter;
  std::vector<double> part_residual, part_l0;  // of the rows of `part` alone
  // Per coordinate: of r = y - xhat.
  std::vector<double> coordinate_sums, coordinate_squares;
  double token_ev = 0;
  std::vector<int64_t> l0_counts;  // rows with L0 = index
  std::vector<int64_t> fired;
  std::array<double, 10> decile_rows{}, decile_l0{}, decile_residual{}, decile_scatter{};

 private:
  struct RowSums {
    double residual, y_squares, xhat_squares, product, scatter, l1;
    int64_t l0;
  };
  RowSums measure_row(const float* y, const float* xhat, const SparseRows& codes, int64_t b) const;
  void add_row(int64_t row, int32_t cluster, const RowSums& s);
  void add_coordinates(View<const float> y, View<const float> xhat);

  const Reconstructor& model_;
  const Moments& moments_;
  std::vector<uint8_t> decile_, in_part_;
};

}  // namespace otoscope::eval
