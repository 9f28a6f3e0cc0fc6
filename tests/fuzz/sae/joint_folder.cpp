// Any bytes as the folder of a dictionary of several sites: a config, a zero byte, weights. As a
// crosscoder, then as a cross-layer transcoder whose four files hold the same: one or a UserError.
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"
#include "otoscope/sae/joint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  static const fuzzing::Folder crosscoder("crosscoder"), cross_layer("cross-layer");
  std::string_view weights = fuzzing::text_of(data, size);
  const std::string_view config = fuzzing::take_part(weights);
  crosscoder.write("config.json", config);
  crosscoder.write("model.safetensors", weights);
  cross_layer.write("config.yaml", config);
  for (const char* name : {"W_enc_0", "W_enc_1", "W_dec_0", "W_dec_1"})
    cross_layer.write((std::string(name) + ".safetensors").c_str(), weights);
  for (const fuzzing::Folder* each : {&crosscoder, &cross_layer}) {
    try {
      const sae::Joint joint = sae::load_joint(each->path());
      if (joint.outputs < 2 || joint.sae.b_enc.size() != joint.sae.F() ||
          joint.sae.b_dec.size() != joint.sae.d_out())
        __builtin_trap();
    } catch (const UserError&) {
    }
  }
  return 0;
}
