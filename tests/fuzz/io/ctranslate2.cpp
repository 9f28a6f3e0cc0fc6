/// A model file of foreign bytes: variables that lie inside it, aliases that name one of them, or a
/// UserError.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "otoscope/core/errors.h"
#include "otoscope/io/ctranslate2.h"
#include "otoscope/io/numbers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    const auto contents = io::parse_ctranslate2(std::as_bytes(std::span(data, size)), "x");
    for (const auto& [alias, target] : contents.aliases)
      if (contents.variables.count(target) == 0) std::abort();
    for (const auto& [name, tensor] : contents.variables) {
      Tensor<float> floats(tensor.shape);
      Tensor<int64_t> integers(tensor.shape);
      if (!io::copy_floats(tensor.dtype, tensor.bytes, floats.view()))
        io::copy_integers(tensor.dtype, tensor.bytes, integers.view());
    }
  } catch (const UserError&) {
  }
  return 0;
}
