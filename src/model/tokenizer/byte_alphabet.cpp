#include "model/tokenizer/byte_alphabet.h"

#include <array>

#include "model/text/unicode.h"

namespace otoscope::model {
namespace {

struct Alphabet {
  std::array<char32_t, 256> point_of_byte{};
  std::array<int, 0x100 + 68> byte_of_point{};

  Alphabet() {
    byte_of_point.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool itself = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
      const char32_t point = itself ? static_cast<char32_t>(byte) : next++;
      point_of_byte[static_cast<size_t>(byte)] = point;
      byte_of_point[point] = byte;
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet table;
  return table;
}

}  // namespace

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  const auto& byte_of_point = alphabet().byte_of_point;
  std::string bytes;
  for (size_t at = 0; at < spelling.size();) {
    const text::Decoded next = text::decode_at(spelling, at);
    if (next.broken || next.point >= byte_of_point.size() || byte_of_point[next.point] < 0)
      return {};
    bytes += static_cast<char>(byte_of_point[next.point]);
    at += static_cast<size_t>(next.length);
  }
  return bytes;
}

std::string spelling_of_bytes(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes)
    text::append_utf8(alphabet().point_of_byte[static_cast<unsigned char>(byte)], spelling);
  return spelling;
}

}  // namespace otoscope::model
