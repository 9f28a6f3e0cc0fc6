#include "audio/resampler.h"

#include <fmt/core.h>

#include <algorithm>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>
#include <libavutil/samplefmt.h>
#include <libswresample/swresample.h>
}

namespace otoscope::audio {
namespace {

/// Outside these a header is damaged; and the filter grows with the ratio of the rates.
constexpr int kLowestRate = 1000, kHighestRate = 4'000'000, kMostChannels = 64;
constexpr int kFlushSamples = 4096;

std::string described(const AVChannelLayout& layout) {
  char text[256] = {};
  av_channel_layout_describe(&layout, text, sizeof text);
  return text;
}

}  // namespace

Resampler::~Resampler() { swr_free(&context_); }

void Resampler::prepare(const AVFrame& frame, const std::string& where) {
  if (frame.sample_rate < kLowestRate || frame.sample_rate > kHighestRate)
    throw UserError(where,
                    fmt::format("expected a sample rate from {} to {} Hz, got {}", kLowestRate,
                                kHighestRate, frame.sample_rate),
                    "the header is damaged: fetch or record the file again");
  if (frame.ch_layout.nb_channels < 1 || frame.ch_layout.nb_channels > kMostChannels)
    throw UserError(where,
                    fmt::format("expected 1 to {} channels, got {}", kMostChannels,
                                frame.ch_layout.nb_channels),
                    "mix it down first: ffmpeg -i FILE -ac 1 NEW.wav");
  AVChannelLayout in{}, mono = AV_CHANNEL_LAYOUT_MONO;
  if (frame.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
    av_channel_layout_default(&in, frame.ch_layout.nb_channels);
  else
    av_channel_layout_copy(&in, &frame.ch_layout);
  swr_free(&context_);
  int status =
      swr_alloc_set_opts2(&context_, &mono, AV_SAMPLE_FMT_S16, kSampleRate, &in,
                          static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0, nullptr);
  if (status >= 0) status = swr_init(context_);
  av_channel_layout_uninit(&in);
  if (status < 0)
    throw UserError(where,
                    fmt::format("expected channels that can be mixed to one, got {} at {} Hz",
                                described(frame.ch_layout), frame.sample_rate),
                    "mix it down first: ffmpeg -i FILE -ac 1 NEW.wav");
}

void Resampler::push(const AVFrame& frame, const std::string& where, std::vector<int16_t>& out) {
  if (frame.nb_samples <= 0) return;
  const std::string layout = described(frame.ch_layout);
  // When a stream changes in the middle ffmpeg sets up a new filter and lets the old tail go.
  if (context_ == nullptr || frame.sample_rate != rate_ || frame.format != format_ ||
      frame.ch_layout.nb_channels != channels_ || layout != layout_) {
    prepare(frame, where);
    rate_ = frame.sample_rate, format_ = frame.format;
    channels_ = frame.ch_layout.nb_channels, layout_ = layout;
  }
  convert(const_cast<const uint8_t**>(frame.extended_data), frame.nb_samples, out);
}

int Resampler::convert(const uint8_t** in, int n_in, std::vector<int16_t>& out) {
  const size_t before = out.size();
  const int room = n_in == 0 ? kFlushSamples : std::max(0, swr_get_out_samples(context_, n_in));
  out.resize(before + static_cast<size_t>(room));
  auto* target = reinterpret_cast<uint8_t*>(out.data() + before);
  const int got = room == 0 ? 0 : swr_convert(context_, &target, room, in, n_in);
  out.resize(before + static_cast<size_t>(std::max(0, got)));
  return got;
}

void Resampler::flush(std::vector<int16_t>& out) {
  if (context_ == nullptr) return;
  while (convert(nullptr, 0, out) > 0) {
  }
}

}  // namespace otoscope::audio
