#pragma once
/// whisper-nano with small clips on disk, for the tests of spliced measures.

#include <cmath>
#include <cstring>
#include <fstream>
#include <string>

#include "otoscope/core/rng.h"
#include "otoscope/eval/clips.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/writer.h"
#include "support/close.h"

namespace otoscope::testing {

/// 16-bit mono WAV at 16 kHz: a tone that glides, with noise.
inline void write_clip(const std::filesystem::path& path, int64_t samples, uint64_t seed) {
  Rng rng(seed, "clip");
  std::string data(static_cast<size_t>(samples) * 2, '\0');
  const double start = 150 + 400 * rng.uniform(), glide = 300 * rng.normal();
  for (int64_t i = 0; i < samples; ++i) {
    const double t = static_cast<double>(i) / 16000;
    const double value = .3 * std::sin(2 * M_PI * (start * t + glide * t * t)) + .02 * rng.normal();
    const auto sample = static_cast<int16_t>(32000 * std::max(-1.0, std::min(1.0, value)));
    std::memcpy(data.data() + 2 * i, &sample, 2);
  }
  const auto u32 = [](uint32_t x) { return std::string(reinterpret_cast<const char*>(&x), 4); };
  const auto u16 = [](uint16_t x) { return std::string(reinterpret_cast<const char*>(&x), 2); };
  const auto bytes = static_cast<uint32_t>(data.size());
  std::ofstream(path, std::ios::binary)
      << "RIFF" << u32(36 + bytes) << "WAVEfmt " << u32(16) << u16(1) << u16(1) << u32(16000)
      << u32(32000) << u16(2) << u16(16) << "data" << u32(bytes) << data;
}

/// The model, and a manifest of `count` clips of half a second to two seconds in two languages.
struct Nano {
  model::Whisper model = model::Whisper::load(golden("whisper_nano"));
  model::Tokenizer tokenizer = model::Tokenizer::load(golden("whisper_nano"), model.dims().n_vocab);
  TemporaryFolder folder;
  store::Manifest manifest;

  explicit Nano(int count) {
    const char* texts[] = {"good morning", "the line is busy", "please hold", "two calls waiting"};
    for (int i = 0; i < count; ++i) {
      store::Clip clip;
      clip.id = "clip" + std::to_string(i);
      clip.path = folder.path() / (clip.id + ".wav");
      clip.duration_s = .5 + .2 * (i % 8);
      clip.text = texts[i % 4];
      clip.language = i % 2 == 0 ? "en" : "fr";
      clip.prompt_id = "prompt" + std::to_string(i / 2);
      clip.split = i % 3 == 2 ? "train" : "test";
      write_clip(clip.path, static_cast<int64_t>(clip.duration_s * 16000),
                 static_cast<uint64_t>(i));
      manifest.clips.push_back(clip);
    }
    manifest.path = folder.path() / "manifest.jsonl";
    manifest.sha256 = "of the manifest";
  }
};

/// Writes a store of a site from the clips, one window a clip, as `extract` would.
inline void write_nano_store(const Nano& nano, const std::string& site_name,
                             const std::filesystem::path& folder) {
  const model::Dims& dims = nano.model.dims();
  const model::Site site = model::find_site(dims, site_name);
  store::Header header;
  header.site = site_name;
  header.model_name = "nano";
  header.model_hash = nano.model.hash();
  header.d = model::site_width(dims, site);
  header.dtype = "f32";
  std::vector<store::Item> items;
  std::vector<store::RowOrigin> origins;
  std::vector<float> values;
  for (const store::Clip& clip : nano.manifest.clips) {
    const std::vector<eval::SplicedClip> one{{clip, 0, {}, 0, {}}};
    const eval::ClipBatch batch = eval::load_clips(one, 0, 1, dims, audio::Padding::waveform_zero);
    model::Recorder recorder({site});
    model::Hook* hook = &recorder;
    model::Rows rows;
    rows.B = 1;
    rows.valid = batch.valid;
    nano.model.encode(batch.mel, rows, {&hook, 1});
    store::Item item;
    item.id = clip.id, item.path = clip.path.string(), item.language = clip.language;
    item.split = clip.split, item.prompt_id = item.cluster = clip.prompt_id;
    item.first_row = static_cast<int64_t>(origins.size());
    item.n_rows = batch.valid[0];
    const float* x = recorder.last(site).data();
    values.insert(values.end(), x, x + item.n_rows * header.d);
    for (int32_t t = 0; t < batch.valid[0]; ++t)
      origins.push_back({static_cast<int32_t>(items.size()), t, static_cast<int32_t>(items.size()),
                         static_cast<int16_t>(t)});
    items.push_back(std::move(item));
  }
  store::write_store(
      folder, header, items, origins,
      View<const float>(values.data(), {static_cast<int64_t>(origins.size()), header.d}));
}

/// An SAE whose reconstruction is its input, bit by bit: features x and -x, rectified.
inline sae::Sae identity_sae(int64_t d) {
  sae::Sae sae;
  sae.W_enc = Tensor<float>(Shape{2 * d + 1, d});
  sae.W_dec = Tensor<float>(Shape{2 * d + 1, d});
  sae.b_enc = Tensor<float>(Shape{2 * d + 1});
  sae.b_dec = Tensor<float>(Shape{d});
  for (int64_t j = 0; j < d; ++j) {
    sae.W_enc.at(j, j) = sae.W_dec.at(j, j) = 1;
    sae.W_enc.at(d + j, j) = sae.W_dec.at(d + j, j) = -1;
  }
  // One more feature that never fires, though its decoder row is not zero.
  sae.W_dec.at(2 * d, 0) = 1;
  sae.b_enc[2 * d] = -1;
  sae.architecture = "relu";
  return sae;
}

}  // namespace otoscope::testing
