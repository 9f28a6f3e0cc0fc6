/// Any bytes as an .npz: its members unpacked and read as arrays, or a UserError.

#include <cstddef>
#include <cstdint>

#include "otoscope/core/errors.h"
#include "otoscope/io/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    for (const auto& [name, member] : io::parse_npz(std::as_bytes(std::span(data, size)), "x")) {
      std::string unpacked;
      try {
        io::parse_npy(io::unpack_member(member, unpacked, "x"), "x");
      } catch (const UserError&) {
      }
    }
  } catch (const UserError&) {
  }
  return 0;
}
