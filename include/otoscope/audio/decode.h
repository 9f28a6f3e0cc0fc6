#pragma once
/// Any container and codec through FFmpeg's libraries, as 16 kHz mono: the same samples as
/// `ffmpeg -i X -ac 1 -ar 16000 -f s16le -`. A `.g722` file is raw G.722 (16 kHz, 8000 bytes a
/// second).

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "otoscope/io/file.h"

namespace otoscope::audio {

/// Decodes piece by piece, so a 10-hour file needs no 10-hour buffer.
class Decoder {
 public:
  /// Missing, a folder, empty, no audio in it, or nothing that can be decoded: UserError.
  explicit Decoder(const std::filesystem::path& path);
  /// The same from memory, which is borrowed; the extension of `name` helps to recognise it.
  Decoder(io::Bytes bytes, std::string name);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  /// Fills `out` with the next samples; fewer than asked only at the end; 0 at the end. Broken
  /// packets are passed over, as ffmpeg does; a file that ends before the length stated in its own
  /// header is a UserError when that end is reached.
  size_t read(std::span<int16_t> out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The whole file (or `duration_s` from `offset_s`) as s16 / 32768. Missing, empty, truncated or
/// non-audio files: a UserError that names the file. duration_s < 0: to the end.
std::vector<float> decode_file(const std::filesystem::path& path, double offset_s = 0.0,
                               double duration_s = -1.0);

}  // namespace otoscope::audio
