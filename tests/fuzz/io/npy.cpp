/// An array of foreign bytes: its header and its numbers, or a UserError.

#include <cstddef>
#include <cstdint>

#include "otoscope/core/errors.h"
#include "otoscope/io/npy.h"
#include "otoscope/io/numbers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    const io::NpyInfo info = io::parse_npy(std::as_bytes(std::span(data, size)), "x");
    Tensor<float> floats(info.shape);
    Tensor<int64_t> integers(info.shape);
    if (!io::copy_floats(info.dtype, info.bytes, floats.view()))
      io::copy_integers(info.dtype, info.bytes, integers.view());
  } catch (const UserError&) {
  }
  return 0;
}
