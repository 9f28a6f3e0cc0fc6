// Any bytes as the folder of an SAE: a config, a zero byte, weights. In turn as SAELens's,
// sparsify's and dictionary_learning's: an SAE or a UserError.
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"
#include "otoscope/sae/formats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  static const fuzzing::Folder folder("sae");
  std::string_view weights = fuzzing::text_of(data, size);
  const std::string_view config = fuzzing::take_part(weights);
  for (const char* name : {"cfg.json", "config.json"}) folder.write(name, config);
  for (const char* name : {"sae_weights.safetensors", "sae.safetensors", "ae.safetensors"})
    folder.write(name, weights);
  for (const std::string& format : sae::format_names()) {
    try {
      const sae::Sae sae = sae::load_any(folder.path(), format);
      if (sae.W_dec.shape()[0] != sae.F() || sae.b_enc.size() != sae.F()) __builtin_trap();
    } catch (const UserError&) {
    }
  }
  return 0;
}
