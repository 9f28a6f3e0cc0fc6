#include "otoscope/sae/formats.h"

#include "otoscope/core/text.h"

namespace otoscope::sae {

const std::vector<std::string>& format_names() {
  static const std::vector<std::string> names = {"saelens", "sparsify", "dictionary_learning"};
  return names;
}

std::string detect_format(const std::filesystem::path& folder) {
  const auto has = [&](const char* name) { return std::filesystem::exists(folder / name); };
  if (has("cfg.json") && has("sae_weights.safetensors")) return "saelens";
  if (has("cfg.json") && has("sae.safetensors")) return "sparsify";
  if (has("config.json") && has("ae.safetensors")) return "dictionary_learning";
  throw UserError(folder.string(),
                  "expected cfg.json with sae_weights.safetensors (SAELens) or sae.safetensors "
                  "(sparsify), or config.json with ae.safetensors (dictionary_learning)",
                  has("ae.pt") ? "ae.pt is a pickle: save its state dict as ae.safetensors first"
                               : "give the folder that holds the SAE itself");
}

Sae load_any(const std::filesystem::path& folder, const std::string& format) {
  const std::string name = format.empty() ? detect_format(folder) : format;
  if (name == "saelens") return load(folder);
  if (name == "sparsify") return load_sparsify(folder);
  if (name == "dictionary_learning") return load_dictionary_learning(folder);
  throw UserError("--from", "expected one of " + join(format_names()) + ", got " + name);
}

}  // namespace otoscope::sae
