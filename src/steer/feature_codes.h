#pragma once
/// Codes of the few features that operators name, and what changes of them add to x.

#include <cstdint>
#include <optional>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/sae/sae.h"

namespace otoscope::steer {

class FeatureCodes {
 public:
  /// ids: distinct features of the SAE. Borrows it.
  FeatureCodes(const sae::Sae& sae, std::vector<int32_t> ids);

  int64_t size() const { return static_cast<int64_t>(ids_.size()); }
  /// Place of a feature among the ids.
  size_t place_of(int32_t id) const;
  /// x: (n, d) -> f: (n, size()), as the SAE selects them.
  void encode(View<const float> x, Tensor<float>& f) const;
  /// out (d) = c sum_j change[j] d_j in raw units; x: the row as it came.
  void spread(const float* x, const float* change, float* out) const;
  /// x: (n, d) -> all codes; with edited values f of the ids put in -> xhat(f') into y (n, d_out).
  void splice(View<const float> x, View<const float> f, View<float> y) const;

 private:
  const sae::Sae& sae_;
  std::vector<int32_t> ids_;      // ascending
  std::optional<sae::Sae> part_;  // of the ids alone, where selection looks at no other feature
  std::optional<sae::Encoder> part_encoder_;
  mutable std::optional<sae::Encoder> whole_;
  Tensor<float> directions_;  // (size(), d): what one unit of a feature adds to xhat
  const sae::Encoder& whole() const;
};

}  // namespace otoscope::steer
