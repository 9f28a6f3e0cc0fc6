#include "model/weights.h"
#include "otoscope/core/errors.h"
#include "otoscope/model/convert.h"
#include "otoscope/model/registry.h"
#include "otoscope/model/whisper.h"

namespace otoscope::model {
namespace {

namespace fs = std::filesystem;

bool is_hugging_face(const fs::path& folder) {
  return fs::exists(folder / "model.safetensors") ||
         fs::exists(folder / "model.safetensors.index.json");
}

bool is_ctranslate2(const fs::path& folder) {
  return fs::exists(folder / "model.bin") || fs::exists(folder / "model.bin.part1");
}

}  // namespace

bool is_checkpoint(const fs::path& folder) {
  return is_hugging_face(folder) || is_ctranslate2(folder);
}

Checkpoint read_checkpoint(const fs::path& folder, Progress& progress) {
  if (is_hugging_face(folder)) return read_hugging_face(folder, progress);
  if (is_ctranslate2(folder)) return read_ctranslate2(folder, progress);
  throw UserError(folder.string(),
                  "expected model.safetensors, its index, or CTranslate2's model.bin, got none",
                  "convert other formats to one of these first");
}

Whisper Whisper::load(const fs::path& name, const LoadOptions& options, Progress& progress) {
  const fs::path folder = resolve_model(name.string());
  Checkpoint checkpoint = read_checkpoint(folder, progress);
  if (options.shuffle_weights) shuffle_weights(checkpoint, *options.shuffle_weights);
  std::string hash = checkpoint_hash(checkpoint);
  Weights weights = pack_weights(std::move(checkpoint), options.precision, progress);
  weights.hash = std::move(hash);
  weights.folder = folder;
  Whisper model;
  model.weights_ = std::make_shared<const Weights>(std::move(weights));
  return model;
}

}  // namespace otoscope::model
