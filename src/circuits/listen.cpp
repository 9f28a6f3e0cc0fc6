#include "otoscope/circuits/listen.h"

#include <map>

#include "otoscope/circuits/trace.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/sqlite.h"
#include "otoscope/model/decode.h"
#include "otoscope/store/mel_batch.h"

namespace otoscope::circuits {

Heard listen(const model::Whisper& model, const model::Tokenizer& tokenizer,
             const std::filesystem::path& path, double offset_s, double duration_s,
             const std::string& language) {
  const model::Dims& dims = model.dims();
  store::Clip clip;
  clip.path = path, clip.offset_s = offset_s, clip.duration_s = duration_s > 0 ? duration_s : -1;
  store::MelBatch sound =
      store::mel_batch(1, dims, [&](int64_t) { return store::window_samples(clip, dims); });
  if (sound.valid[0] == 0)
    throw UserError(path.string(),
                    "expected sound at " + std::to_string(offset_s) + " s, got none");
  Heard heard;
  heard.frames = sound.valid[0];
  heard.mel = std::move(sound.mel);
  const Tensor<float> audio = model.encode(heard.mel);
  model::DecodeOptions options;
  if (!language.empty()) options.languages = {language};
  options.without_timestamps = true;
  const model::DecodeResult result = model::decode(model, tokenizer, audio, options).front();
  heard.language = result.language;
  heard.tokens = tokenizer.sot_sequence(result.language, "transcribe", true);
  heard.prompt = static_cast<int64_t>(heard.tokens.size());
  heard.tokens.insert(heard.tokens.end(), result.tokens.begin(), result.tokens.end());
  heard.tokens.push_back(tokenizer.special().eot);
  return heard;
}

void name_tokens(Graph& graph, std::span<const int64_t> tokens, const model::Tokenizer& tokenizer) {
  graph.tokens.assign(tokens.begin(), tokens.end());
  graph.token_texts.clear();
  for (const int64_t token : tokens) graph.token_texts.push_back(tokenizer.piece(token));
  for (Node& node : graph.nodes)
    if (node.kind == NodeKind::token) {
      node.feature = static_cast<int32_t>(tokens[static_cast<size_t>(node.begin)]);
      node.label = graph.token_texts[static_cast<size_t>(node.begin)];
    }
}

int64_t name_features(Graph& graph, const Transcoders& transcoders) {
  std::map<int, std::map<int64_t, std::string>> names;
  for (int l = 0; l < transcoders.layers(); ++l) {
    const auto* layer = transcoders.layer(l);
    if (layer == nullptr || layer->sae.folder.empty()) continue;
    const std::filesystem::path file = layer->sae.folder / "features.sqlite";
    if (!std::filesystem::exists(file)) continue;
    const io::Database database(file);
    io::Statement table = database.prepare(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'categories'");
    if (!table.step()) continue;
    io::Statement rows =
        database.prepare("SELECT feature, name FROM categories WHERE name IS NOT NULL");
    while (rows.step()) names[l][rows.integer(0)] = rows.text(1);
  }
  int64_t named = 0;
  for (Node& node : graph.nodes) {
    if (node.kind != NodeKind::feature) continue;
    const auto layer = names.find(node.layer);
    if (layer == names.end()) continue;
    const auto found = layer->second.find(node.feature);
    if (found == layer->second.end() || found->second.empty()) continue;
    node.label = found->second;
    ++named;
  }
  return named;
}

}  // namespace otoscope::circuits
