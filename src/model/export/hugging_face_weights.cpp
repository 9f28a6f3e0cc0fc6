#include "model/export/export.h"
#include "model/export/names.h"
#include "model/export/weight_file.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::model {

WrittenWeights write_safetensors_weights(Checkpoint checkpoint, io::Dtype dtype,
                                         const std::filesystem::path& folder) {
  WeightFile file(dtype);
  while (!checkpoint.tensors.empty()) {
    throw_if_interrupted();
    const auto node = checkpoint.tensors.extract(checkpoint.tensors.begin());
    file.add(hugging_face_name(node.key(), "model."), node.mapped());
  }
  WrittenWeights written;
  written.tensors = static_cast<int64_t>(file.tensors().size());
  written.bytes = file.bytes();
  // Readers before transformers 5 demand the format.
  written.sha256 =
      io::write_safetensors(folder / "model.safetensors", file.tensors(), {{"format", "pt"}});
  return written;
}

}  // namespace otoscope::model
