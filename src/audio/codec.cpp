#include "otoscope/audio/codec.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "audio/ffmpeg_free.h"
#include "audio/quiet.h"
#include "audio/resampler.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
}

namespace otoscope::audio {
namespace {

struct Known {
  const char *name, *encoder, *decoder;
  AVSampleFormat format;
  int kilobits;      // what 0 stands for
  bool drops_delay;  // the decoder does (an Opus header says how much)
};
constexpr Known kKnown[] = {{"opus", "libopus", "libopus", AV_SAMPLE_FMT_FLT, 24, true},
                            {"mp3", "libmp3lame", "mp3float", AV_SAMPLE_FMT_FLTP, 32, false},
                            {"g722", "g722", "g722", AV_SAMPLE_FMT_S16, 64, false}};
constexpr int kAnyFrame = 320;  // of codecs that take any number of samples at once

const Known& known(const std::string& codec) {
  for (const Known& one : kKnown)
    if (codec == one.name) return one;
  throw UserError(codec, "expected opus, mp3 or g722, got another codec");
}

void must(int status, const Known& codec, const char* what) {
  if (status < 0)
    throw UserError(codec.name, std::string("expected the codec to ") + what + ", got error " +
                                    std::to_string(status));
}

void fill(AVFrame& frame, AVSampleFormat format, std::span<const float> pcm) {
  for (size_t i = 0; i < static_cast<size_t>(frame.nb_samples); ++i) {
    const float x = i < pcm.size() ? pcm[i] : 0.0f;
    if (format == AV_SAMPLE_FMT_S16)
      reinterpret_cast<int16_t*>(frame.data[0])[i] =
          static_cast<int16_t>(std::clamp(std::lround(x * 32768.0f), -32768L, 32767L));
    else
      reinterpret_cast<float*>(frame.data[0])[i] = x;
  }
}

/// Encoder, decoder and resampler in a row.
class Chain {
 public:
  Chain(const Known& codec, int kilobits) : codec_(codec) {
    quiet_ffmpeg();
    const AVCodec* encoder = avcodec_find_encoder_by_name(codec.encoder);
    const AVCodec* decoder = avcodec_find_decoder_by_name(codec.decoder);
    if (encoder == nullptr || decoder == nullptr)
      throw UserError(codec.name, "expected FFmpeg with this codec, got one without",
                      "install Debian's libavcodec59");
    encoder_.reset(avcodec_alloc_context3(encoder));
    encoder_->bit_rate = kilobits * 1000;
    encoder_->sample_rate = kSampleRate;
    encoder_->sample_fmt = codec.format;
    encoder_->time_base = {1, kSampleRate};
    av_channel_layout_default(&encoder_->ch_layout, 1);
    must(avcodec_open2(encoder_.get(), encoder, nullptr), codec, "take this rate");
    const Owned<AVCodecParameters> parameters(avcodec_parameters_alloc());
    must(avcodec_parameters_from_context(parameters.get(), encoder_.get()), codec, "open");
    decoder_.reset(avcodec_alloc_context3(decoder));
    must(avcodec_parameters_to_context(decoder_.get(), parameters.get()), codec, "open");
    must(avcodec_open2(decoder_.get(), decoder, nullptr), codec, "open");
  }

  int frame_samples() const { return encoder_->frame_size > 0 ? encoder_->frame_size : kAnyFrame; }
  /// What is left of the delay of encoder and decoder together, which the encoder states.
  int delay() const { return codec_.drops_delay ? 0 : encoder_->initial_padding; }

  void send(std::span<const float> pcm) {
    frame_->nb_samples = frame_samples();
    frame_->format = codec_.format;
    frame_->sample_rate = kSampleRate;
    frame_->pts = sent_;
    sent_ += frame_->nb_samples;
    must(av_channel_layout_copy(&frame_->ch_layout, &encoder_->ch_layout), codec_, "open");
    must(av_frame_get_buffer(frame_.get(), 0), codec_, "have a buffer");
    fill(*frame_, codec_.format, pcm);
    must(avcodec_send_frame(encoder_.get(), frame_.get()), codec_, "take samples");
    av_frame_unref(frame_.get());
    pass_on();
  }

  std::vector<int16_t> end() {
    must(avcodec_send_frame(encoder_.get(), nullptr), codec_, "end");
    pass_on();
    must(avcodec_send_packet(decoder_.get(), nullptr), codec_, "end");
    take();
    resampler_.flush(out_);
    return std::move(out_);
  }

 private:
  void pass_on() {
    while (avcodec_receive_packet(encoder_.get(), packet_.get()) >= 0) {
      // Nor may packets ask for it: it is taken off here.
      av_packet_free_side_data(packet_.get());
      must(avcodec_send_packet(decoder_.get(), packet_.get()), codec_, "decode what it encoded");
      av_packet_unref(packet_.get());
      take();
    }
  }
  void take() {
    while (avcodec_receive_frame(decoder_.get(), decoded_.get()) >= 0) {
      resampler_.push(*decoded_, codec_.name, out_);
      av_frame_unref(decoded_.get());
    }
  }

  const Known& codec_;
  Owned<AVCodecContext> encoder_, decoder_;
  Owned<AVFrame> frame_{av_frame_alloc()}, decoded_{av_frame_alloc()};
  Owned<AVPacket> packet_{av_packet_alloc()};
  Resampler resampler_;
  std::vector<int16_t> out_;
  int64_t sent_ = 0;
};

}  // namespace

const std::vector<std::string>& codec_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Known& one : kKnown) all.emplace_back(one.name);
    return all;
  }();
  return names;
}

std::vector<float> through_codec(std::span<const float> pcm, const std::string& name,
                                 int kilobits) {
  const Known& codec = known(name);
  if (pcm.empty()) return {};
  Chain chain(codec, kilobits == 0 ? codec.kilobits : kilobits);
  const auto step = static_cast<size_t>(chain.frame_samples());
  const auto delay = static_cast<size_t>(chain.delay());
  // Zeros behind the end push out what the delay still holds.
  for (size_t begin = 0; begin < pcm.size() + delay + step; begin += step)
    chain.send(begin < pcm.size() ? pcm.subspan(begin, std::min(step, pcm.size() - begin))
                                  : std::span<const float>());
  const std::vector<int16_t> decoded = chain.end();
  std::vector<float> out(pcm.size(), 0.0f);
  for (size_t i = 0; i < out.size() && delay + i < decoded.size(); ++i)
    out[i] = static_cast<float>(decoded[delay + i]) / 32768.0f;
  return out;
}

}  // namespace otoscope::audio
