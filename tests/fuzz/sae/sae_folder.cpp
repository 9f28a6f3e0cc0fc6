// Any bytes as the folder of an SAE: a config, a zero byte, weights. In turn as SAELens's,
// sparsify's and dictionary_learning's: an SAE or a UserError.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "otoscope/core/errors.h"
#include "otoscope/sae/formats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fs = std::filesystem;
  static const fs::path folder =
      fs::temp_directory_path() / ("otoscope-fuzz-sae-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const uint8_t* zero = std::find(data, data + size, 0);
  const uint8_t* weights = zero == data + size ? zero : zero + 1;
  const auto write = [&](const char* name, const uint8_t* begin, const uint8_t* end) {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(begin), end - begin);
  };
  for (const char* name : {"cfg.json", "config.json"}) write(name, data, zero);
  for (const char* name : {"sae_weights.safetensors", "sae.safetensors", "ae.safetensors"})
    write(name, weights, data + size);
  for (const std::string& format : otoscope::sae::format_names()) {
    try {
      const otoscope::sae::Sae sae = otoscope::sae::load_any(folder, format);
      if (sae.W_dec.shape()[0] != sae.F() || sae.b_enc.size() != sae.F()) __builtin_trap();
    } catch (const otoscope::UserError&) {
    }
  }
  return 0;
}
