#pragma once
/// The samples of a clip piece by piece, so that a 10-hour recording needs no 10-hour buffer.

#include <cstdint>
#include <optional>
#include <vector>

#include "otoscope/audio/decode.h"
#include "otoscope/store/manifest.h"

namespace otoscope::store {

class ClipReader {
 public:
  /// Opens the clip's file and passes over what lies before its offset.
  explicit ClipReader(const Clip& clip);

  /// Where the next sample is in the clip.
  int64_t position() const { return position_; }
  /// The next n samples in [-1, 1); fewer at the end of the clip.
  std::vector<float> read(int64_t n);
  /// Passes over n samples; returns how many there were.
  int64_t skip(int64_t n);

 private:
  audio::Decoder decoder_;
  int64_t position_ = 0, limit_;
};

/// Length of a clip, by decoding it. A file that ends before the clip's offset: UserError.
int64_t count_samples(const Clip& clip);

}  // namespace otoscope::store
