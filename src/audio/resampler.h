#pragma once
/// Decoded frames of any rate, layout and format to 16 kHz mono s16: libswresample with its default
/// filter and mixing matrix, which is what ffmpeg puts in for `-ac 1 -ar 16000 -f s16le`.

#include <cstdint>
#include <string>
#include <vector>

struct AVFrame;
struct SwrContext;

namespace otoscope::audio {

class Resampler {
 public:
  Resampler() = default;
  ~Resampler();
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  /// Appends what can be had now. A rate or layout that cannot be converted: UserError [where].
  void push(const AVFrame& frame, const std::string& where, std::vector<int16_t>& out);
  /// Appends the filter's tail.
  void flush(std::vector<int16_t>& out);

 private:
  void prepare(const AVFrame& frame, const std::string& where);
  int convert(const uint8_t** in, int n_in, std::vector<int16_t>& out);

  SwrContext* context_ = nullptr;
  int rate_ = 0, format_ = -1, channels_ = 0;
  std::string layout_;
};

}  // namespace otoscope::audio
