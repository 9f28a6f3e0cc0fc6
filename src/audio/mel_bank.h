#pragma once
/// Windows, transforms and mel filters of many frames, the part that files, windows and recordings
/// share.

#include <cstdint>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::audio {

/// 200 samples stand before and after the one that a frame is centred on.
inline constexpr int kFramePad = 200;

class MelBank {
 public:
  /// Shared and kept for the life of the process. n_mels: 1 to 512, else UserError.
  static const MelBank& of(int n_mels);

  int n_mels() const { return n_mels_; }
  /// Frame f is centred on samples[kFramePad + 160 f]: samples has 160 (n - 1) + 400 values.
  /// -> out (n, n_mels): log10(max(mel power, 1e-10)).
  void log10_power(const float* samples, View<float> out) const;

 private:
  explicit MelBank(int n_mels);
  void frames(const float* samples, int64_t begin, int64_t end, View<float> out) const;

  struct Filter {
    int first_bin, bins;
    size_t weights;
  };
  int n_mels_;
  std::vector<Filter> filters_;
  std::vector<float> weights_;
};

/// x[i] continued beyond both ends without repeating them: x[-1] = x[1], x[n] = x[n - 2].
int64_t reflected(int64_t i, int64_t n);

}  // namespace otoscope::audio
