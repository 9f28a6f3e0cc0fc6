#pragma once
/// SAEs of other toolkits (formats.md §4.3, 4.4). Orientation is checked against the sizes that the
/// config states, never guessed from names.

#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/sae/sae.h"

namespace otoscope::sae {

/// "saelens", "sparsify", "dictionary_learning"
const std::vector<std::string>& format_names();
/// The format of a folder by the files in it; UserError lists what was looked for.
std::string detect_format(const std::filesystem::path& folder);
/// Reads any known format; "" detects it.
Sae load_any(const std::filesystem::path& folder, const std::string& format = "");

/// sparsify (EleutherAI): cfg.json + sae.safetensors, TopK, with or without transcoding.
Sae load_sparsify(const std::filesystem::path& folder);
/// Writes it. UserError where sparsify has no such SAE (anything but plain TopK).
void save_sparsify(const Sae& sae, const std::filesystem::path& folder);

/// dictionary_learning: config.json + ae.safetensors (its ae.pt, a pickle, is not read: write the
/// state dict with safetensors.torch.save_file first).
Sae load_dictionary_learning(const std::filesystem::path& folder);

}  // namespace otoscope::sae
