#pragma once
/// From placements to the log-mel of a batch of windows.

#include <optional>
#include <span>
#include <vector>

#include "otoscope/audio/mel.h"
#include "otoscope/core/tensor.h"
#include "store/clip_reader.h"
#include "store/extract_plan.h"

namespace otoscope::store {

class WindowAudio {
 public:
  WindowAudio(const ExtractPlan& plan, int64_t window_samples, int n_mels, audio::Padding padding);

  /// Windows [begin, end) -> (end - begin, frames, n_mels). Going forwards is cheap, also within
  /// long recordings.
  Tensor<float> log_mel(int64_t begin, int64_t end);

 private:
  std::vector<float> piece(const audio::Placement& placement);

  const ExtractPlan& plan_;
  int64_t window_samples_;
  int n_mels_;
  audio::Padding padding_;
  // The recording that the last cut piece came from.
  std::optional<ClipReader> open_;
  int64_t open_item_ = -1;
};

}  // namespace otoscope::store
