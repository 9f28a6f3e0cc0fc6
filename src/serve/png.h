#pragma once
/// PNG (ISO/IEC 15948) of 8-bit palette images, deflated by zlib.

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace otoscope::serve {

using Palette = std::array<std::array<uint8_t, 3>, 256>;

/// Dark to light through purple and orange: ordered in lightness, so it reads in grey too.
const Palette& heat_palette();

/// pixels: height rows of width palette indices, the top row first.
std::string png(std::span<const uint8_t> pixels, int width, int height, const Palette& palette);

}  // namespace otoscope::serve
