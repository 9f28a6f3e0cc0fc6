#include "audio/frame_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "audio/quiet.h"
#include "audio/riff.h"
#include "otoscope/core/errors.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace otoscope::audio {
namespace {

/// How much shorter than its header says a file may be: encoder delay and padding stay below it.
constexpr double kLengthTolerance = 0.5;
/// A decoder that fails so often while it is being emptied has nothing left.
constexpr int kDrainErrors = 64;

std::string av_message(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

std::string lower_extension(const std::string& name) {
  std::string extension = std::filesystem::path(name).extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension;
}

/// ffmpeg's own choice: a stream that has packets, then the one marked default, then most channels.
int best_audio_stream(const AVFormatContext& format) {
  int64_t best_score = -1;
  int best = -1;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVStream& stream = *format.streams[i];
    if (stream.codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
    int64_t score = stream.codecpar->ch_layout.nb_channels;
    if (stream.event_flags & AVSTREAM_EVENT_FLAG_NEW_PACKETS) score += 100'000'000;
    if (stream.disposition & AV_DISPOSITION_DEFAULT) score += 5'000'000;
    if (score > best_score) best_score = score, best = static_cast<int>(i);
  }
  return best;
}

double seconds_of(const AVStream& stream) {
  if (stream.duration == AV_NOPTS_VALUE || stream.duration <= 0) return 0.0;
  return static_cast<double>(stream.duration) * av_q2d(stream.time_base);
}

}  // namespace

struct FrameReader::Impl {
  std::unique_ptr<ByteSource> source;
  AVFormatContext* format = nullptr;
  AVCodecContext* codec = nullptr;
  AVPacket* packet = nullptr;
  AVFrame* frame = nullptr;
  int stream_index = -1;
  bool draining = false, ended = false;
  int drain_errors = 0;
  double stated_s = 0.0;   // exact length that the header states; 0: none
  double reached_s = 0.0;  // end of the last frame, on the stream's own clock
  std::string last_error;

  ~Impl() {
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
    avformat_close_input(&format);  // the bytes are ours: freed after it
  }

  AVStream& stream() const { return *format->streams[stream_index]; }
  void open_format();
  void open_codec();
  void feed();
  void note_end_of(const AVFrame& decoded);
  void check_length() const;
};

void FrameReader::Impl::open_format() {
  const std::string& name = source->name();
  format = avformat_alloc_context();
  OTO_ASSERT(format != nullptr);
  format->pb = source->context();
  format->io_open = &refuse_to_open;
  // Nothing in raw G.722 says what it is: the extension decides.
  const AVInputFormat* forced =
      lower_extension(name) == ".g722" ? av_find_input_format("g722") : nullptr;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "scan_all_pmts", "1", 0);
  // Demuxers that open a format of their own (concat) ask no io_open: no protocol is open to them.
  av_dict_set(&options, "protocol_whitelist", "none", 0);
  const int opened = avformat_open_input(&format, name.c_str(), forced, &options);
  av_dict_free(&options);
  if (opened < 0)
    throw UserError(name, "expected an audio or video file, got " + av_message(opened),
                    "convert it to WAV, FLAC, MP3 or another common format");
  const int found = avformat_find_stream_info(format, nullptr);
  stream_index = best_audio_stream(*format);
  if (stream_index < 0)
    throw UserError(name, "expected a file with sound, got one without an audio stream",
                    "name a file that has one");
  if (found < 0)
    throw UserError(name, "expected a readable audio stream, got " + av_message(found),
                    "the file seems to be damaged: fetch or record it again");
  const std::string_view demuxer = format->iformat->name;
  if (demuxer == "wav")
    stated_s = stated_wav_seconds(*source);
  else if (demuxer == "flac" || demuxer == "aiff" || demuxer.find("mp4") != demuxer.npos)
    stated_s = seconds_of(stream());
}

void FrameReader::Impl::open_codec() {
  const AVCodecParameters& parameters = *stream().codecpar;
  for (unsigned i = 0; i < format->nb_streams; ++i)
    format->streams[i]->discard =
        static_cast<int>(i) == stream_index ? AVDISCARD_NONE : AVDISCARD_ALL;
  const AVCodec* decoder = avcodec_find_decoder(parameters.codec_id);
  if (decoder == nullptr)
    throw UserError(
        source->name(),
        fmt::format("expected a known audio codec, got {}", avcodec_get_name(parameters.codec_id)),
        "convert it to WAV or FLAC with a program that knows the codec");
  codec = avcodec_alloc_context3(decoder);
  OTO_ASSERT(codec != nullptr);
  int status = avcodec_parameters_to_context(codec, &parameters);
  codec->pkt_timebase = stream().time_base;
  if (codec->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
    av_channel_layout_default(&codec->ch_layout, codec->ch_layout.nb_channels);
  if (status >= 0) status = avcodec_open2(codec, decoder, nullptr);
  if (status < 0)
    throw UserError(source->name(),
                    fmt::format("expected {} audio, got {}", decoder->name, av_message(status)),
                    "the file seems to be damaged: fetch or record it again");
}

/// Sends the decoder its next packet, or tells it that there is none left.
void FrameReader::Impl::feed() {
  for (;;) {
    const int status = av_read_frame(format, packet);
    if (status == AVERROR(EAGAIN)) continue;
    if (status < 0) {  // the end, or an error that ffmpeg takes for one
      if (status != AVERROR_EOF) last_error = av_message(status);
      draining = true;
      avcodec_send_packet(codec, nullptr);
      return;
    }
    const bool ours = packet->stream_index == stream_index;
    const int sent = ours ? avcodec_send_packet(codec, packet) : 0;
    av_packet_unref(packet);
    if (!ours) continue;
    if (sent < 0) {
      last_error = av_message(sent);
      continue;
    }
    return;
  }
}

void FrameReader::Impl::note_end_of(const AVFrame& decoded) {
  const double length =
      decoded.sample_rate > 0 ? static_cast<double>(decoded.nb_samples) / decoded.sample_rate : 0.0;
  const double start =
      decoded.best_effort_timestamp == AV_NOPTS_VALUE
          ? reached_s
          : static_cast<double>(decoded.best_effort_timestamp) * av_q2d(stream().time_base);
  reached_s = std::max(reached_s, start + length);
}

void FrameReader::Impl::check_length() const {
  if (reached_s + kLengthTolerance < stated_s)
    throw UserError(source->name(),
                    fmt::format("expected {:.2f} s of audio as its header says, got {:.2f} s: the "
                                "file is cut short or damaged",
                                stated_s, reached_s),
                    "fetch it again, or keep what is left with `ffmpeg -i FILE NEW.wav`");
}

FrameReader::FrameReader(std::unique_ptr<ByteSource> source) : impl_(std::make_unique<Impl>()) {
  quiet_ffmpeg();
  impl_->source = std::move(source);
  impl_->open_format();
  impl_->open_codec();
  impl_->packet = av_packet_alloc();
  impl_->frame = av_frame_alloc();
  OTO_ASSERT(impl_->packet != nullptr && impl_->frame != nullptr);
}

FrameReader::~FrameReader() = default;

const AVFrame* FrameReader::next() {
  Impl& s = *impl_;
  while (!s.ended) {
    const int status = avcodec_receive_frame(s.codec, s.frame);
    if (status >= 0) {
      s.note_end_of(*s.frame);
      return s.frame;
    }
    const bool stuck = s.draining && (status == AVERROR(EAGAIN) || ++s.drain_errors > kDrainErrors);
    if (status == AVERROR_EOF || stuck) {
      s.ended = true;
      s.check_length();
      break;
    }
    if (status != AVERROR(EAGAIN)) s.last_error = av_message(status);
    if (!s.draining) s.feed();
  }
  return nullptr;
}

const std::string& FrameReader::name() const { return impl_->source->name(); }
const std::string& FrameReader::last_error() const { return impl_->last_error; }

}  // namespace otoscope::audio
