#include "otoscope/audio/encode.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "audio/ffmpeg_free.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
}

namespace otoscope::audio {
namespace {

void must(int status, const char* what) {
  if (status < 0)
    throw UserError("mp3 encoder",
                    std::string("expected it to ") + what + ", got error " + std::to_string(status),
                    "check that FFmpeg has libmp3lame");
}

Owned<AVCodecContext> open_encoder(int kilobits) {
  const AVCodec* codec = avcodec_find_encoder_by_name("libmp3lame");
  if (codec == nullptr)
    throw UserError("mp3 encoder", "expected FFmpeg with libmp3lame, got one without",
                    "install libavcodec59");
  Owned<AVCodecContext> context(avcodec_alloc_context3(codec));
  context->bit_rate = kilobits * 1000;
  context->sample_rate = kSampleRate;
  context->sample_fmt = AV_SAMPLE_FMT_FLTP;
  av_channel_layout_default(&context->ch_layout, 1);
  must(avcodec_open2(context.get(), codec, nullptr), "open");
  return context;
}

std::vector<float> faded(std::span<const float> pcm) {
  std::vector<float> samples(pcm.begin(), pcm.end());
  const size_t fade = std::min<size_t>(kSampleRate / 100, samples.size() / 2);
  for (size_t i = 0; i < fade; ++i) {
    const float gain = static_cast<float>(i) / static_cast<float>(fade);
    samples[i] *= gain;
    samples[samples.size() - 1 - i] *= gain;
  }
  return samples;
}

}  // namespace

std::string encode_mp3(std::span<const float> pcm, int kilobits) {
  if (pcm.empty()) return {};
  const auto context = open_encoder(kilobits);
  const Owned<AVFrame> frame(av_frame_alloc());
  const Owned<AVPacket> packet(av_packet_alloc());
  const std::vector<float> samples = faded(pcm);
  std::string file;

  const auto drain = [&] {
    for (;;) {
      const int status = avcodec_receive_packet(context.get(), packet.get());
      if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return;
      must(status, "give a packet");
      file.append(reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size));
      av_packet_unref(packet.get());
    }
  };

  const auto step = static_cast<size_t>(context->frame_size);
  for (size_t begin = 0; begin < samples.size(); begin += step) {
    frame->nb_samples = context->frame_size;
    frame->format = context->sample_fmt;
    must(av_channel_layout_copy(&frame->ch_layout, &context->ch_layout), "set its layout");
    must(av_frame_get_buffer(frame.get(), 0), "have a buffer");
    auto* out = reinterpret_cast<float*>(frame->data[0]);
    for (size_t i = 0; i < step; ++i)
      out[i] = begin + i < samples.size() ? samples[begin + i] : 0.0f;
    must(avcodec_send_frame(context.get(), frame.get()), "take samples");
    av_frame_unref(frame.get());
    drain();
  }
  must(avcodec_send_frame(context.get(), nullptr), "end");
  drain();
  return file;
}

}  // namespace otoscope::audio
