#pragma once
/// A checkpoint written again in another container: a Hugging Face folder (safetensors) or a
/// CTranslate2 folder, with all the files that their readers expect (formats.md §1.2, §1.7). The
/// values are never touched but by a rounding that was asked for, so a round trip is bit-equal.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/progress.h"

namespace otoscope::model {

enum class Container : uint8_t { hugging_face, ctranslate2 };
/// "hf" or "ctranslate2". UserError for others.
Container container_named(std::string_view name);
std::string_view container_name(Container container);
/// True where `folder` holds a checkpoint that Whisper::load reads.
bool is_checkpoint(const std::filesystem::path& folder);

/// x + add, or x - strength (x V^T) V.
struct EditStep {
  std::vector<float> add = {};     // (d), or empty
  std::vector<float> remove = {};  // V: (r, d) row by row, orthonormal; or empty
  double strength = 1;             // of remove
};

/// The same change of every row at a site, to be folded into the weights around it. What they can
/// hold: additions at the streams, outputs, norms and MLP values; removals (weight
/// orthogonalisation) where a product writes or reads the site: attn_out, cross_attn_out, mlp_pre,
/// mlp_post, mlp_out, ln1, ln_cross, ln2, encoder.out. A constant that only keys would carry is
/// left out, as softmax does not see it.
struct WeightEdit {
  std::string site;
  std::vector<EditStep> steps;  // one after the other
  /// Weights act on frames without audio too: an edit that leaves those alone does not fit.
  bool padding = false;
  std::string where;  // the recipe, for messages
};

struct ConvertOptions {
  Container to = Container::hugging_face;
  /// Folded in before writing; at one site in the order given.
  std::vector<WeightEdit> edits = {};
  /// If not empty, what Whisper::hash() of the source must be.
  std::string source_hash = {};
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
/// missing or of another model; a full disk; an edit that weights cannot hold.
Converted convert_model(const std::string& from, const std::filesystem::path& to,
                        const ConvertOptions& options, Progress& progress = silent_progress());

}  // namespace otoscope::model
