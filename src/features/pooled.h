#pragma once
/// One vector per clip: what a representation says over the whole of it.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/core/tensor.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

struct PooledClips {
  std::string what;  // "features", "activations", "log-mel", …
  std::string pool;  // "mean", "max"; "" where there is nothing to pool
  Tensor<float> x;   // (items, D)
};

/// Mean and largest activation of each feature over each clip, and, where `activations` is set, of
/// each coordinate of the rows themselves. items: of the store.
std::vector<PooledClips> pool_features(const sae::Sae& sae, const store::Store& store,
                                       std::span<const int32_t> items, bool activations,
                                       Progress& progress);
/// Mean and largest log-mel of each of 80 bands; nothing where the audio of a clip is gone.
std::vector<PooledClips> pool_log_mel(const store::Store& store, std::span<const int32_t> items,
                                      Progress& progress);
/// The length alone, as an angle, so that cosines fall with the difference of logarithms (minus the
/// language's mean).
PooledClips pool_length(std::span<const double> seconds, std::span<const int32_t> language,
                        int64_t languages);
/// Pairs of neighbouring letters of the text: what cognates and names have in common in writing.
PooledClips pool_letters(const store::Store& store, std::span<const int32_t> items);

}  // namespace otoscope::features
