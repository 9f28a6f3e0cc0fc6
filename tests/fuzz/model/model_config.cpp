// Any bytes as what a folder says beside its weights: config.json, a zero byte,
// generation_config.json. Sizes that a model can have, heads and ids that it has, or a UserError.
#include "fuzz/folder.h"
#include "model/checkpoint.h"
#include "model/export/settings.h"
#include "model/read_config.h"
#include "otoscope/core/errors.h"
#include "otoscope/model/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  static const fuzzing::Folder folder("model");
  static const model::Dims nano = {80, 100, 128, 2, 2, 1924, 64, 128, 2, 2};
  static const auto tokenizer = model::Tokenizer::load(OTOSCOPE_TEST_DIR "/golden/whisper_nano_ct2",
                                                       nano.n_vocab, silent_progress());
  std::string_view generation = fuzzing::text_of(data, size);
  const std::string_view config = fuzzing::take_part(generation);
  try {
    model::Dims dims = nano;
    model::read_config(config, "config.json", dims);
    model::check_dims(dims, "x");
    if (dims.n_audio_head < 1 || 128 % dims.n_audio_head != 0) __builtin_trap();
  } catch (const UserError&) {
  }
  folder.write("config.json", config);
  folder.write("generation_config.json", generation);
  try {
    for (const auto& [layer, head] : model::alignment_heads(folder.path(), nano))
      if (layer < 0 || layer >= 2 || head < 0 || head >= 2) __builtin_trap();
  } catch (const UserError&) {
  }
  try {
    const auto settings = model::read_settings(folder.path(), nano, tokenizer);
    for (const auto& ids : {settings.suppress, settings.suppress_begin})
      for (const int64_t id : ids)
        if (id < 0 || id >= nano.n_vocab) __builtin_trap();
  } catch (const UserError&) {
  }
  return 0;
}
