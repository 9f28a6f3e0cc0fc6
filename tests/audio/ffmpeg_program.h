#pragma once
/// The ffmpeg program as the other side: it makes the files and says what they should decode to.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/audio/decode.h"
#include "otoscope/io/file.h"

namespace otoscope::audio::testing {

inline int ffmpeg(const std::string& arguments) {
  const std::string command = "ffmpeg -nostdin -hide_banner -loglevel quiet -y " + arguments;
  return std::system(command.c_str());
}

inline std::vector<int16_t> decoded_by_us(const std::filesystem::path& path, size_t piece = 7001) {
  Decoder decoder(path);
  std::vector<int16_t> all, part(piece);
  while (const size_t got = decoder.read(part))
    all.insert(all.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(got));
  return all;
}

/// `input_options` go before -i, as `-f g722`.
inline std::vector<int16_t> decoded_by_ffmpeg(const std::filesystem::path& path,
                                              const std::string& input_options = {}) {
  const std::filesystem::path raw = path.string() + ".raw";
  ffmpeg(input_options + " -i '" + path.string() + "' -ac 1 -ar 16000 -f s16le '" + raw.string() +
         "'");
  const std::string bytes = io::read_file(raw);
  std::vector<int16_t> samples(bytes.size() / 2);
  std::copy_n(bytes.data(), samples.size() * 2, reinterpret_cast<char*>(samples.data()));
  return samples;
}

}  // namespace otoscope::audio::testing
