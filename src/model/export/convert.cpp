#include "otoscope/model/convert.h"

#include "model/export/export.h"
#include "model/export/fold.h"
#include "model/export/settings.h"
#include "model/export/token_table.h"
#include "model/export/weight_file.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/folder.h"
#include "otoscope/model/registry.h"

namespace otoscope::model {
namespace {

namespace fs = std::filesystem;

int64_t values_of(const Checkpoint& checkpoint) {
  int64_t values = 0;
  for (const auto& [name, tensor] : checkpoint.tensors) values += tensor.size();
  return values;
}

void check_hash(const Checkpoint& checkpoint, const std::string& wanted, const std::string& from) {
  const std::string hash = checkpoint_hash(checkpoint);
  if (hash != wanted)
    throw UserError(from,
                    "expected the model with hash " + wanted.substr(0, 12) + "…, got " +
                        hash.substr(0, 12) + "…",
                    "a recipe holds for the model it was made with");
}

void check_room(const fs::path& target, int64_t bytes) {
  const int64_t there = io::free_bytes(target);
  if (there < bytes)
    throw UserError(target.string(), "expected " + human_bytes(bytes) + " free on this disk, got " +
                                         human_bytes(there));
}

void write_tokens(const fs::path& folder, const TokenTable& tokens, Container container) {
  io::write_file(folder / "tokenizer.json", tokenizer_json(tokens));
  if (container == Container::ctranslate2) {
    io::write_file(folder / "vocabulary.json", vocabulary_json(tokens));
    return;
  }
  io::write_file(folder / "vocab.json", vocab_json(tokens));
  io::write_file(folder / "merges.txt", merges_txt(tokens));
  io::write_file(folder / "added_tokens.json", added_tokens_json(tokens));
}

}  // namespace

Container container_named(std::string_view name) {
  if (name == "hf") return Container::hugging_face;
  if (name == "ctranslate2") return Container::ctranslate2;
  throw UserError("--to", "expected hf or ctranslate2 for a model, got " + std::string(name));
}

std::string_view container_name(Container container) {
  return container == Container::hugging_face ? "hf" : "ctranslate2";
}

Converted convert_model(const std::string& from, const fs::path& to, const ConvertOptions& options,
                        Progress& progress) {
  const fs::path source = resolve_model(from);
  io::AtomicFolder folder(to);
  Checkpoint checkpoint = read_checkpoint(source, progress);
  const Dims dims = checkpoint.dims;
  const Tokenizer tokenizer = Tokenizer::load(source, dims.n_vocab, progress);
  const TokenTable tokens = read_token_table(source, tokenizer);
  const Settings settings = read_settings(source, dims, tokenizer);

  if (!options.source_hash.empty()) check_hash(checkpoint, options.source_hash, from);
  fold_edits(checkpoint, options.edits);

  Converted converted;
  converted.dtype = options.dtype;
  if (options.dtype == "auto") converted.dtype = exact_in_f16(checkpoint) ? "f16" : "f32";
  const io::Dtype dtype = converted.dtype == "f16" ? io::Dtype::f16 : io::Dtype::f32;
  if (dtype == io::Dtype::f16) converted.rounded = round_to_f16(checkpoint);
  converted.hash = checkpoint_hash(checkpoint);
  check_room(to, values_of(checkpoint) * io::dtype_bytes(dtype) + (int64_t{16} << 20));

  progress.start("writing weights", 1, "files");
  const WrittenWeights written =
      options.to == Container::hugging_face
          ? write_safetensors_weights(std::move(checkpoint), dtype, folder.path())
          : write_ctranslate2_weights(std::move(checkpoint), dtype, folder.path());
  write_tokens(folder.path(), tokens, options.to);
  if (options.to == Container::hugging_face)
    write_hugging_face_settings(folder.path(), dims, tokens, settings, converted.dtype);
  else
    write_ctranslate2_settings(folder.path(), dims, tokens, settings);
  folder.commit();
  progress.advance(1);
  progress.finish();
  converted.sha256 = written.sha256;
  converted.tensors = written.tensors;
  converted.bytes = written.bytes;
  return converted;
}

}  // namespace otoscope::model
