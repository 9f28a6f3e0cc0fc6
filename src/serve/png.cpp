#include "serve/png.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"

namespace otoscope::serve {
namespace {

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 255);
  return bytes;
}

std::string chunk(const std::string& type, const std::string& content) {
  const std::string body = type + content;
  const uLong sum =
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(content.size())) + body +
         big_endian(static_cast<uint32_t>(sum));
}

}  // namespace

const Palette& heat_palette() {
  static const Palette palette = [] {
    constexpr double kStops[6][3] = {{8, 8, 28},    {66, 24, 96},   {140, 41, 99},
                                     {214, 82, 61}, {248, 162, 56}, {252, 246, 190}};
    Palette colours{};
    for (int i = 0; i < 256; ++i) {
      const double place = i / 255.0 * 5;
      const int stop = std::min(4, static_cast<int>(place));
      for (int c = 0; c < 3; ++c)
        colours[static_cast<size_t>(i)][static_cast<size_t>(c)] = static_cast<uint8_t>(std::lround(
            kStops[stop][c] + (kStops[stop + 1][c] - kStops[stop][c]) * (place - stop)));
    }
    return colours;
  }();
  return palette;
}

std::string png(std::span<const uint8_t> pixels, int width, int height, const Palette& palette) {
  OTO_ASSERT(width > 0 && height > 0 &&
             pixels.size() == static_cast<size_t>(width) * static_cast<size_t>(height));
  std::string rows;
  for (int y = 0; y < height; ++y) {
    rows += '\0';  // filter: none
    rows.append(reinterpret_cast<const char*>(pixels.data()) +
                    static_cast<size_t>(y) * static_cast<size_t>(width),
                static_cast<size_t>(width));
  }
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  std::string packed(size, '\0');
  OTO_ASSERT(compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                       reinterpret_cast<const Bytef*>(rows.data()), static_cast<uLong>(rows.size()),
                       9) == Z_OK);
  packed.resize(size);

  std::string colours;
  for (const auto& colour : palette)
    for (const uint8_t part : colour) colours += static_cast<char>(part);
  const std::string header = big_endian(static_cast<uint32_t>(width)) +
                             big_endian(static_cast<uint32_t>(height)) +
                             std::string("\x08\x03\x00\x00\x00", 5);
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("PLTE", colours) +
         chunk("IDAT", packed) + chunk("IEND", "");
}

}  // namespace otoscope::serve
