#pragma once
/// A recording of any length as log-mel on demand, the way openai-whisper's long-form loop sees it:
/// one maximum over the whole file followed by 30 s of zeros, segments cut from that mel
/// (methods.md §1.1, traps A and B). Memory does not grow with the length beyond `resident_bytes`:
/// longer recordings are decoded twice, once to measure and once more, forwards, as segments are
/// asked for.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "otoscope/audio/time.h"
#include "otoscope/core/tensor.h"

namespace otoscope::audio {

class Recording {
 public:
  /// 16-bit samples up to this size stay in memory (about 2.2 h); above, the file is read again.
  static constexpr int64_t kResidentBytes = int64_t{256} << 20;

  /// Decodes once from end to end: length and, where n_mels > 0, the maximum of log10 mel power.
  /// Errors as decode_file. Ctrl-C: Interrupted.
  static Recording open(const std::filesystem::path& path, int n_mels,
                        int64_t resident_bytes = kResidentBytes);
  /// The same from samples in memory (copied).
  static Recording of_pcm(std::span<const int16_t> pcm, int n_mels);
  Recording(Recording&&) noexcept;
  Recording& operator=(Recording&&) noexcept;
  ~Recording();

  int64_t samples() const;
  double seconds() const { return seconds_of_samples(samples()); }
  /// floor(samples / 160): mel frames that belong to the recording, not to the zeros after it.
  int64_t content_frames() const;
  int n_mels() const;
  /// Maximum of log10 mel power over the recording and 30 s of zeros (-10 at least).
  float maximum() const;

  /// Frames [first, first + n) of the log-mel of (recording, 30 s of zeros), finished with
  /// maximum(). first + n <= content_frames() + 3000. Equal bits for every way of cutting.
  /// Asking forwards is cheap; far backwards in a long file decodes it again. -> (n, n_mels)
  Tensor<float> log_mel(int64_t first, int64_t n);
  /// One window of the long-form loop: `n` frames from `first`, then literal 0.0 up to `frames`.
  /// -> (frames, n_mels)
  Tensor<float> log_mel_segment(int64_t first, int64_t n, int64_t frames = 3000);
  /// Samples [first, first + n) / 32768, zeros beyond the end.
  std::vector<float> pcm(int64_t first, int64_t n);

 private:
  Recording();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otoscope::audio
