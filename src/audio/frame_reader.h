#pragma once
/// Demuxer and decoder: the frames of one audio stream, chosen and driven as the ffmpeg program
/// does, so that the samples are the same (ffmpeg 5.1: open_output_file, process_input_packet).

#include <cstdint>
#include <memory>
#include <string>

#include "audio/byte_source.h"

struct AVFrame;

namespace otoscope::audio {

class FrameReader {
 public:
  /// No audio stream, an unknown format or codec: UserError.
  explicit FrameReader(std::unique_ptr<ByteSource> source);
  ~FrameReader();
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  /// The next frame, borrowed until the next call; null at the end. Broken packets are skipped, as
  /// ffmpeg skips them. A file that ends before the length its own header states: UserError.
  const AVFrame* next();

  const std::string& name() const;
  /// The last error of a skipped packet, for the message when nothing at all could be decoded.
  const std::string& last_error() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otoscope::audio
