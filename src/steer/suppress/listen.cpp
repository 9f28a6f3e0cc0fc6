#include "otoscope/steer/listen.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::steer {
namespace {

constexpr std::string_view kVersion = "1";  // of what a chunk holds

std::string plan_of(const model::Whisper& model, std::span<const SoundWindow> windows,
                    std::span<const SiteSae> saes, const ListenOptions& options) {
  io::Sha256 hash;
  const auto add = [&](std::string_view text) {
    hash.update(text);
    hash.update(std::string_view("\n"));
  };
  add(kVersion);
  add(model.hash());
  add(model.precision() == Precision::bf16 ? "bf16" : "f32");
  add(options.hear.language);
  add(std::to_string(options.hear.sample_len) + " " + std::to_string(options.hear.batch) +
      (options.detect ? " detect" : ""));
  for (const SiteSae& one : saes) add(model::site_name(one.site) + " " + one.sae->hash);
  for (const SoundWindow& window : windows) add(identity_of(window));
  return hash.hex().substr(0, 16);
}

/// One chunk being filled or read.
struct Chunk {
  std::vector<Heard> heard, detected;
  std::vector<Loudness> loudness;
  std::vector<Pooled> pooled;
};

Chunk hear_chunk(const model::Whisper& model, const model::Tokenizer& tokenizer,
                 std::span<const SoundWindow> windows, std::span<const SiteSae> saes,
                 const ListenOptions& options) {
  const auto n = static_cast<int64_t>(windows.size());
  Chunk chunk;
  for (const SiteSae& one : saes) chunk.pooled.push_back(make_pooled(*one.sae, n));
  std::vector<std::unique_ptr<PoolHook>> hooks;
  std::vector<model::Hook*> encoder, decoder;
  for (size_t i = 0; i < saes.size(); ++i) {
    hooks.push_back(std::make_unique<PoolHook>(saes[i].site, *saes[i].sae, chunk.pooled[i]));
    (saes[i].site.stack == model::Stack::encoder ? encoder : decoder).push_back(hooks.back().get());
  }
  HearOptions detecting = options.hear;
  detecting.language.clear();
  for (int64_t first = 0; first < n; first += options.hear.batch) {
    throw_if_interrupted();
    const int64_t count = std::min<int64_t>(options.hear.batch, n - first);
    const HeardBatch batch = load_batch(windows, first, count, model.dims());
    const Tensor<float> audio = model.encode(batch.mel, batch.rows(), encoder);
    for (Heard& h : decode_batch(model, tokenizer, batch, audio, options.hear, decoder))
      chunk.heard.push_back(std::move(h));
    if (options.detect)
      for (Heard& h : decode_batch(model, tokenizer, batch, audio, detecting))
        chunk.detected.push_back(std::move(h));
    chunk.loudness.insert(chunk.loudness.end(), batch.loudness.begin(), batch.loudness.end());
  }
  return chunk;
}

void write_chunk(const std::filesystem::path& stem, const Chunk& chunk) {
  std::vector<io::NamedTensor> tensors;
  for (size_t i = 0; i < chunk.pooled.size(); ++i) {
    const std::string at = std::to_string(i);
    tensors.push_back(io::named("mean." + at, chunk.pooled[i].mean.view()));
    tensors.push_back(io::named("max." + at, chunk.pooled[i].max.view()));
    tensors.push_back(io::named("dense." + at, chunk.pooled[i].dense.view()));
  }
  io::write_safetensors(stem.string() + ".safetensors", std::move(tensors));
  io::OrderedJson json{{"schema", "otoscope.heard"}, {"version", 1}};
  json["heard"] = io::OrderedJson::array();
  json["detected"] = io::OrderedJson::array();
  json["loudness"] = io::OrderedJson::array();
  for (const Heard& h : chunk.heard) json["heard"].push_back(to_json(h));
  for (const Heard& h : chunk.detected) json["detected"].push_back(to_json(h));
  for (const Loudness& l : chunk.loudness) json["loudness"].push_back({l.rms_db, l.seconds});
  io::write_json(stem.string() + ".json", json);  // last: a chunk with it is whole
}

/// False where there is no whole chunk.
bool read_chunk(const std::filesystem::path& stem, std::span<const SiteSae> saes, size_t n,
                bool detect, Chunk& chunk) {
  const std::filesystem::path json_path = stem.string() + ".json",
                              tensor_path = stem.string() + ".safetensors";
  if (!std::filesystem::exists(json_path) || !std::filesystem::exists(tensor_path)) return false;
  try {
    const io::Json json = io::read_json(json_path);
    const std::string where = json_path.string();
    for (const io::Json& h : io::member_at(json, "heard", where))
      chunk.heard.push_back(heard_of(h, where));
    for (const io::Json& h : io::member_at(json, "detected", where))
      chunk.detected.push_back(heard_of(h, where));
    for (const io::Json& l : io::member_at(json, "loudness", where))
      chunk.loudness.push_back({l.at(0).get<double>(), l.at(1).get<double>()});
    if (chunk.heard.size() != n || chunk.detected.size() != (detect ? n : 0) ||
        chunk.loudness.size() != n)
      return false;
    const io::Safetensors tensors = io::Safetensors::open(tensor_path);
    const auto rows = static_cast<int64_t>(n);
    for (size_t i = 0; i < saes.size(); ++i) {
      const std::string at = std::to_string(i);
      const sae::Sae& sae = *saes[i].sae;
      chunk.pooled.push_back({tensors.floats("mean." + at, Shape{rows, sae.F()}),
                              tensors.floats("max." + at, Shape{rows, sae.F()}),
                              tensors.floats("dense." + at, Shape{rows, sae.d()})});
    }
    return true;
  } catch (const UserError&) {
    return false;
  } catch (const io::Json::exception&) {
    return false;
  }
}

void copy_rows(const Tensor<float>& from, Tensor<float>& to, int64_t first) {
  std::copy_n(from.data(), from.size(), to.view().row(first));
}

}  // namespace

std::string identity_of(const SoundWindow& window) {
  return window.clip.id + "\t" + std::to_string(window.clip.offset_s) + "\t" +
         std::to_string(window.clip.duration_s) + "\t" + window.clip.language + "\t" +
         window.reference;
}

io::OrderedJson to_json(const Heard& h) {
  return {
      {"text", h.text},           {"normalised", h.normalised},   {"language", h.language},
      {"no_speech", h.no_speech}, {"avg_logprob", h.avg_logprob}, {"compression", h.compression},
      {"tokens", h.tokens}};
}

Heard heard_of(const io::Json& json, std::string_view where) {
  Heard h;
  h.text = io::string_at(json, "text", where);
  h.normalised = io::string_at(json, "normalised", where);
  h.language = io::string_at(json, "language", where);
  h.no_speech = io::number_at(json, "no_speech", where);
  h.avg_logprob = io::number_at(json, "avg_logprob", where);
  h.compression = io::number_at(json, "compression", where);
  h.tokens = io::integer_at(json, "tokens", where);
  return h;
}

Listened listen(const model::Whisper& model, const model::Tokenizer& tokenizer,
                std::span<const SoundWindow> windows, std::span<const SiteSae> saes,
                const ListenOptions& options, const std::filesystem::path& cache,
                std::string_view task, Progress& progress) {
  io::make_folder(cache);
  const auto n = static_cast<int64_t>(windows.size());
  Listened all;
  for (const SiteSae& one : saes) all.pooled.push_back(make_pooled(*one.sae, n));
  progress.start(task, n, "windows");
  for (int64_t first = 0; first < n; first += options.chunk) {
    const int64_t count = std::min(options.chunk, n - first);
    const auto some = windows.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    const std::filesystem::path stem = cache / ("clean-" + plan_of(model, some, saes, options));
    Chunk chunk;
    if (!read_chunk(stem, saes, some.size(), options.detect, chunk)) {
      chunk = hear_chunk(model, tokenizer, some, saes, options);
      write_chunk(stem, chunk);
    }
    for (Heard& h : chunk.heard) all.heard.push_back(std::move(h));
    for (Heard& h : chunk.detected) all.detected.push_back(std::move(h));
    all.loudness.insert(all.loudness.end(), chunk.loudness.begin(), chunk.loudness.end());
    for (size_t i = 0; i < saes.size(); ++i) {
      copy_rows(chunk.pooled[i].mean, all.pooled[i].mean, first);
      copy_rows(chunk.pooled[i].max, all.pooled[i].max, first);
      copy_rows(chunk.pooled[i].dense, all.pooled[i].dense, first);
    }
    progress.advance(first + count);
  }
  progress.finish();
  return all;
}

}  // namespace otoscope::steer
