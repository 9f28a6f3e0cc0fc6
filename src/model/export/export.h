#pragma once
/// The two containers that checkpoints are written to. Both take the checkpoint's tensors as they
/// go, so that it is never twice in memory, and a dtype that holds its values exactly.

#include <filesystem>
#include <string>

#include "model/checkpoint.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::model {

struct WrittenWeights {
  std::string sha256;
  int64_t tensors = 0, bytes = 0;
};

/// FOLDER/model.safetensors, with "format": "pt" in its metadata.
WrittenWeights write_safetensors_weights(Checkpoint checkpoint, io::Dtype dtype,
                                         const std::filesystem::path& folder);
/// FOLDER/model.bin: fused attention products, zero bias for keys, the head as an alias.
WrittenWeights write_ctranslate2_weights(Checkpoint checkpoint, io::Dtype dtype,
                                         const std::filesystem::path& folder);

}  // namespace otoscope::model
