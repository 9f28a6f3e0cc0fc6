#include "serve/media.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/encode.h"
#include "otoscope/audio/mel.h"
#include "otoscope/audio/time.h"
#include "serve/png.h"

namespace otoscope::serve {
namespace {

constexpr int kMels = 80;
constexpr float kDecades = 6.0f;  // of power shown below the loudest

std::string spectrogram_png(std::span<const float> pcm) {
  const Tensor<float> mel = audio::mel_power_log10(pcm, kMels);
  const int64_t frames = mel.shape()[0];
  if (frames == 0) return {};
  float loudest = -10;
  for (int64_t i = 0; i < mel.size(); ++i) loudest = std::max(loudest, mel[i]);
  std::vector<uint8_t> pixels(static_cast<size_t>(frames * kMels));
  for (int64_t t = 0; t < frames; ++t)
    for (int64_t m = 0; m < kMels; ++m) {
      const float level = std::clamp(1 + (mel.at(t, m) - loudest) / kDecades, 0.0f, 1.0f);
      pixels[static_cast<size_t>((kMels - 1 - m) * frames + t)] =
          static_cast<uint8_t>(std::lround(255 * level));
    }
  return png(pixels, static_cast<int>(frames), kMels, heat_palette());
}

}  // namespace

Media media_of(const std::string& path, double begin_s, double seconds) {
  const std::vector<float> pcm = audio::decode_file(path, begin_s, seconds);
  return {audio::encode_mp3(pcm), spectrogram_png(pcm)};
}

Media media_of(const Example& example) {
  const double begin = audio::seconds_of({example.first_frame});
  const double end =
      audio::seconds_of({example.first_frame + static_cast<int64_t>(example.trace.size())});
  return media_of(example.path, example.offset_s + begin, end - begin);
}

std::string activation_overlay(const Example& example) {
  const auto frames = static_cast<double>(example.trace.size());
  char text[96];
  std::snprintf(text, sizeof text,
                "<svg class=\"overlay\" viewBox=\"0 0 %.0f 100\" preserveAspectRatio=\"none\">",
                frames);
  std::string svg = text;
  std::string points = "0,100 ";
  for (size_t i = 0; i < example.trace.size(); ++i) {
    const double height = 100 - 96.0 * static_cast<unsigned char>(example.trace[i]) / 255;
    std::snprintf(text, sizeof text, "%zu,%.0f %zu,%.0f ", i, height, i + 1, height);
    points += text;
  }
  std::snprintf(text, sizeof text, "%.0f,100", frames);
  svg += "<polygon points=\"" + points + text + "\"/>";
  const double peak = static_cast<double>(example.frame - example.first_frame) + 0.5;
  std::snprintf(text, sizeof text, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"100\"/></svg>",
                peak, peak);
  return svg + text;
}

}  // namespace otoscope::serve
