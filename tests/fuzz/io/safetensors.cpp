/// A file of foreign bytes: read whole, or refused by a UserError. Nothing else may happen.

#include <cstddef>
#include <cstdint>

#include "otoscope/core/errors.h"
#include "otoscope/io/numbers.h"
#include "otoscope/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    std::map<std::string, std::string> metadata;
    const auto tensors =
        io::parse_safetensors(std::as_bytes(std::span(data, size)), "x", &metadata);
    // The ranges tile the data, so reading all of them must stay inside it.
    for (const auto& [name, tensor] : tensors) {
      Tensor<float> floats(tensor.shape);
      Tensor<int64_t> integers(tensor.shape);
      const bool is_float = io::copy_floats(tensor.dtype, tensor.bytes, floats.view());
      if (!is_float) io::copy_integers(tensor.dtype, tensor.bytes, integers.view());
    }
  } catch (const UserError&) {
  }
  return 0;
}
