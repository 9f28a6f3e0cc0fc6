#pragma once
/// A checkpoint written again in another container: a Hugging Face folder (safetensors) or a
/// CTranslate2 folder, with all the files that their readers expect (formats.md §1.2, §1.7). The
/// values are never touched but by a rounding that was asked for, so a round trip is bit-equal.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "otoscope/core/progress.h"

namespace otoscope::model {

enum class Container : uint8_t { hugging_face, ctranslate2 };
/// "hf" or "ctranslate2". UserError for others.
Container container_named(std::string_view name);
std::string_view container_name(Container container);
/// True where `folder` holds a checkpoint that Whisper::load reads.
bool is_checkpoint(const std::filesystem::path& folder);

struct ConvertOptions {
  Container to = Container::hugging_face;
  /// f16, f32, or auto: f16 where every value of the checkpoint is one exactly, else f32.
  std::string dtype = "auto";
};

struct Converted {
  std::string dtype;    // of the file
  std::string hash;     // of the model as written, as Whisper::hash()
  std::string sha256;   // of the file of weights
  int64_t tensors = 0;  // in it
  int64_t bytes = 0;    // of its values
  int64_t rounded = 0;  // values that the dtype changed
};

/// Writes `to` (a new folder, or an empty one) whole or not at all. `from`: a folder, or the name
/// of a fetched checkpoint. UserError: something is at `to`; a value beyond f16; the tokenizer is
/// missing or of another model; a full disk.
Converted convert_model(const std::string& from, const std::filesystem::path& to,
                        const ConvertOptions& options, Progress& progress = silent_progress());

}  // namespace otoscope::model
