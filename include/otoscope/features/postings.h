#pragma once
/// Where each unit fires: codes turned on their side. A unit is anything with an activation on
/// rows: a feature of an SAE, a neuron, a direction, a band of a spectrum.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/kernels/sparse.h"

namespace otoscope::features {

class Postings {
 public:
  Postings() = default;
  /// codes: row b is row b of the store; F units. Values above 0 are firings.
  Postings(const SparseRows& codes, int64_t F);

  int64_t units() const { return static_cast<int64_t>(indptr_.size()) - 1; }
  /// Rows where the unit fires, ascending, and its values there.
  std::span<const int32_t> rows(int64_t unit) const { return slice(rows_, unit); }
  std::span<const float> values(int64_t unit) const { return slice(values_, unit); }
  int64_t count(int64_t unit) const {
    return indptr_[static_cast<size_t>(unit) + 1] - indptr_[static_cast<size_t>(unit)];
  }

 private:
  template <class T>
  std::span<const T> slice(const std::vector<T>& all, int64_t unit) const {
    return {all.data() + indptr_[static_cast<size_t>(unit)], static_cast<size_t>(count(unit))};
  }
  std::vector<int64_t> indptr_{0};
  std::vector<int32_t> rows_;
  std::vector<float> values_;
};

}  // namespace otoscope::features
