#include "otoscope/eval/matching.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace otoscope::eval {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kNobody = -1;

/// Adds one row at a time: the cheapest path of reduced costs from the new row to a free column
/// changes partners along it. Potentials keep all reduced costs >= 0 and those of matches 0.
class Assignment {
 public:
  explicit Assignment(View<const double> gain)
      : gain_(gain),
        row_potential_(static_cast<size_t>(gain.shape[0]), 0.0),
        column_potential_(static_cast<size_t>(gain.shape[1]), 0.0),
        row_of_(static_cast<size_t>(gain.shape[1]), kNobody) {}

  void add(int64_t row) {
    const size_t m = row_of_.size();
    std::vector<double> distance(m, kInfinity);
    std::vector<int64_t> came_from(m, kNobody);  // the column before this one on the path
    std::vector<uint8_t> done(m, 0);
    int64_t current = row, column = kNobody;
    double travelled = 0;
    for (;;) {
      size_t nearest = m;
      for (size_t j = 0; j < m; ++j) {
        if (done[j] != 0) continue;
        const double through = travelled + reduced(current, j);
        if (through < distance[j]) distance[j] = through, came_from[j] = column;
        if (nearest == m || distance[j] < distance[nearest]) nearest = j;
      }
      OTO_ASSERT(nearest < m);
      travelled = distance[nearest];
      column = static_cast<int64_t>(nearest);
      if (row_of_[nearest] == kNobody) break;
      done[nearest] = 1;
      current = row_of_[nearest];
    }
    // Potentials move so that the path's edges become tight.
    row_potential_[static_cast<size_t>(row)] += travelled;
    for (size_t j = 0; j < m; ++j)
      if (done[j] != 0) {
        row_potential_[static_cast<size_t>(row_of_[j])] += travelled - distance[j];
        column_potential_[j] -= travelled - distance[j];
      }
    while (column != kNobody) {
      const int64_t before = came_from[static_cast<size_t>(column)];
      row_of_[static_cast<size_t>(column)] =
          before == kNobody ? row : row_of_[static_cast<size_t>(before)];
      column = before;
    }
  }

  const std::vector<int64_t>& row_of() const { return row_of_; }

 private:
  double reduced(int64_t row, size_t column) const {
    return -gain_.at(row, static_cast<int64_t>(column)) - row_potential_[static_cast<size_t>(row)] -
           column_potential_[column];
  }

  View<const double> gain_;
  std::vector<double> row_potential_, column_potential_;
  std::vector<int64_t> row_of_;  // by column
};

}  // namespace

std::vector<int64_t> best_matching(View<const double> gain) {
  OTO_ASSERT(gain.shape.rank() == 2);
  for (int64_t i = 0; i < gain.size(); ++i) OTO_ASSERT(!std::isnan(gain[i]));
  const int64_t n = gain.shape[0], m = gain.shape[1];
  std::vector<int64_t> column_of(static_cast<size_t>(n), kNobody);
  if (n > m) {
    Tensor<double> turned(Shape{m, n});
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < m; ++j) turned.at(j, i) = gain.at(i, j);
    const std::vector<int64_t> row_of = best_matching(turned);
    for (size_t j = 0; j < row_of.size(); ++j)
      column_of[static_cast<size_t>(row_of[j])] = static_cast<int64_t>(j);
    return column_of;
  }
  Assignment assignment(gain);
  for (int64_t row = 0; row < n; ++row) assignment.add(row);
  for (size_t j = 0; j < assignment.row_of().size(); ++j)
    if (assignment.row_of()[j] != kNobody)
      column_of[static_cast<size_t>(assignment.row_of()[j])] = static_cast<int64_t>(j);
  return column_of;
}

}  // namespace otoscope::eval
