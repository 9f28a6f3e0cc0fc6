// Any bytes as the folder of a dictionary of several sites: a config, a zero byte, weights. As a
// crosscoder, then as a cross-layer transcoder whose four files hold the same: one or a UserError.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "otoscope/core/errors.h"
#include "otoscope/sae/joint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fs = std::filesystem;
  static const fs::path folder =
      fs::temp_directory_path() / ("otoscope-fuzz-joint-" + std::to_string(::getpid()));
  const uint8_t* zero = std::find(data, data + size, 0);
  const uint8_t* weights = zero == data + size ? zero : zero + 1;
  const auto write = [&](const fs::path& path, const uint8_t* begin, const uint8_t* end) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(begin), end - begin);
  };
  const fs::path crosscoder = folder / "crosscoder", cross_layer = folder / "cross-layer";
  for (const fs::path& each : {crosscoder, cross_layer}) fs::create_directories(each);
  write(crosscoder / "config.json", data, zero);
  write(crosscoder / "model.safetensors", weights, data + size);
  write(cross_layer / "config.yaml", data, zero);
  for (const char* name : {"W_enc_0", "W_enc_1", "W_dec_0", "W_dec_1"})
    write(cross_layer / (std::string(name) + ".safetensors"), weights, data + size);
  for (const fs::path& each : {crosscoder, cross_layer}) {
    try {
      const otoscope::sae::Joint joint = otoscope::sae::load_joint(each);
      if (joint.outputs < 2 || joint.sae.b_enc.size() != joint.sae.F() ||
          joint.sae.b_dec.size() != joint.sae.d_out())
        __builtin_trap();
    } catch (const otoscope::UserError&) {
    }
  }
  return 0;
}
