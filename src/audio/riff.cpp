#include "audio/riff.h"

#include <cstring>

namespace otoscope::audio {
namespace {

constexpr int kMostChunks = 256;
/// Programs that write to a pipe put a size near 2^31 or 2^32: the length is not known.
constexpr uint32_t kStreamed = 0x7fff0000;

uint32_t u32(const unsigned char* bytes) {
  return bytes[0] | static_cast<uint32_t>(bytes[1]) << 8 | static_cast<uint32_t>(bytes[2]) << 16 |
         static_cast<uint32_t>(bytes[3]) << 24;
}

}  // namespace

double stated_wav_seconds(const ByteSource& source) {
  unsigned char head[12], chunk[8], format[16];
  if (!source.peek(0, head, sizeof head) || std::memcmp(head, "RIFF", 4) != 0 ||
      std::memcmp(head + 8, "WAVE", 4) != 0)
    return 0.0;
  uint32_t bytes_per_second = 0;
  int64_t at = sizeof head;
  for (int i = 0; i < kMostChunks && source.peek(at, chunk, sizeof chunk); ++i) {
    const uint32_t size = u32(chunk + 4);
    at += sizeof chunk;
    if (std::memcmp(chunk, "fmt ", 4) == 0 && source.peek(at, format, sizeof format))
      bytes_per_second = u32(format + 8);
    if (std::memcmp(chunk, "data", 4) == 0)
      return bytes_per_second == 0 || size >= kStreamed
                 ? 0.0
                 : static_cast<double>(size) / bytes_per_second;
    at += size + (size & 1);
  }
  return 0.0;
}

}  // namespace otoscope::audio
