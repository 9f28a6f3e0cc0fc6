#include "labels/encoder_features.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "otoscope/audio/mel.h"
#include "otoscope/audio/pack.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::labels {
namespace {

constexpr int64_t kWindowsAtOnce = 4;

/// Rows about their mean, each of length 1.
Tensor<float> directions(const Tensor<float>& x) {
  const int64_t n = x.shape()[0], d = x.shape()[1];
  std::vector<double> mean(static_cast<size_t>(d), 0.0);
  for (int64_t t = 0; t < n; ++t)
    for (int64_t c = 0; c < d; ++c) mean[static_cast<size_t>(c)] += x.at(t, c);
  Tensor<float> out({n, d});
  for (int64_t t = 0; t < n; ++t) {
    double squares = 1e-12;
    for (int64_t c = 0; c < d; ++c) {
      const double value = x.at(t, c) - mean[static_cast<size_t>(c)] / static_cast<double>(n);
      out.at(t, c) = static_cast<float>(value);
      squares += value * value;
    }
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (int64_t c = 0; c < d; ++c) out.at(t, c) *= scale;
  }
  return out;
}

}  // namespace

std::vector<Tensor<float>> encoder_features(const model::Whisper& whisper, const model::Site& site,
                                            std::span<const std::span<const float>> clips) {
  const model::Dims& dims = whisper.dims();
  const int64_t d = model::site_width(dims, site), frames = dims.n_mel_frames();
  std::vector<audio::PackClip> lengths;
  std::vector<Tensor<float>> features;
  for (const auto& clip : clips) {
    const auto samples = static_cast<int64_t>(clip.size());
    lengths.push_back({samples, ""});
    features.emplace_back(Shape{(samples + audio::kFrameSamples - 1) / audio::kFrameSamples, d});
  }
  audio::PackOptions options;
  options.window_samples = frames * audio::kHopSamples;
  const std::vector<audio::Window> windows = audio::pack(lengths, options);
  const auto count = static_cast<int64_t>(windows.size());
  for (int64_t begin = 0; begin < count; begin += kWindowsAtOnce) {
    throw_if_interrupted();
    const int64_t n = std::min(kWindowsAtOnce, count - begin);
    Tensor<float> mel({n, frames, dims.n_mels});
    parallel_ranges(n, 1, [&](int64_t w, int64_t) {
      std::vector<float> pcm(static_cast<size_t>(options.window_samples), 0.0F);
      for (const auto& place : windows[static_cast<size_t>(begin + w)])
        std::copy_n(clips[static_cast<size_t>(place.clip)].begin() + place.first, place.samples,
                    pcm.begin() + place.start);
      const Tensor<float> one =
          audio::log_mel_window(pcm, dims.n_mels, audio::Padding::waveform_zero, frames);
      std::copy_n(one.data(), one.size(), mel.data() + w * frames * dims.n_mels);
    });
    model::Recorder recorder({site});
    std::array<model::Hook*, 1> hooks = {&recorder};
    whisper.encode(mel.view(), {}, hooks, site);
    const Tensor<float>& seen = recorder.last(site);
    for (int64_t w = 0; w < n; ++w)
      for (const auto& place : windows[static_cast<size_t>(begin + w)])
        std::copy_n(seen.data() + (w * dims.n_audio_ctx + place.position()) * d, place.frames() * d,
                    features[static_cast<size_t>(place.clip)].data() + place.first_frame() * d);
  }
  return features;
}

FrameDistances frame_distances(const Tensor<float>& recording, const Tensor<float>& spoken) {
  const Tensor<float> a = directions(recording), b = directions(spoken);
  FrameDistances out;
  out.rows = a.shape()[0];
  out.columns = b.shape()[0];
  out.values.resize(static_cast<size_t>(out.rows * out.columns));
  if (out.values.empty()) return out;
  const View<float> view(out.values.data(), {out.rows, out.columns});
  kernels::gemm({a.view()}, kernels::transposed(b.view()), view);
  double sum = 0;
  for (float& value : out.values) {
    value = 1 - value;
    sum += value;
  }
  const auto scale = static_cast<float>(static_cast<double>(out.values.size()) / sum);
  for (float& value : out.values) value *= scale;
  return out;
}

}  // namespace otoscope::labels
