#pragma once
/// Stores of any rows for tests: clips given one by one, and SAEs whose features are given
/// directions.

#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/kernels/rows.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/writer.h"

namespace otoscope::features::testing {

struct MadeClip {
  std::string id, language = "en", split = "test", prompt;
  Tensor<float> x;  // (frames, d)
  std::string path = "/nowhere/clip.wav";
};

/// Clips of one prompt share a cluster.
inline store::Store made_store(const std::filesystem::path& folder,
                               const std::vector<MadeClip>& clips,
                               const std::string& site = "encoder.out",
                               const std::string& model_hash = "made") {
  store::Header header;
  header.site = site;
  header.model_name = "made";
  header.model_hash = model_hash;
  header.d = clips.at(0).x.shape()[1];
  header.dtype = "f32";
  std::vector<store::Item> items;
  std::vector<store::RowOrigin> origins;
  int64_t rows = 0;
  for (const MadeClip& clip : clips) rows += clip.x.shape()[0];
  Tensor<float> all(Shape{rows, header.d});
  int64_t row = 0;
  for (size_t i = 0; i < clips.size(); ++i) {
    const MadeClip& clip = clips[i];
    store::Item item;
    item.id = clip.id;
    item.path = clip.path;
    item.language = clip.language;
    item.split = clip.split;
    item.prompt_id = item.cluster = clip.prompt.empty() ? clip.id : clip.prompt;
    item.n_rows = clip.x.shape()[0];
    item.duration_s = 0.02 * static_cast<double>(item.n_rows);
    item.first_row = row;
    items.push_back(item);
    std::copy_n(clip.x.data(), clip.x.size(), all.view().row(row));
    for (int64_t t = 0; t < item.n_rows; ++t, ++row)
      origins.push_back({static_cast<int32_t>(i), static_cast<int32_t>(t), static_cast<int32_t>(i),
                         static_cast<int16_t>(t)});
  }
  store::write_store(folder, header, items, origins, all.view());
  return store::Store::open(folder);
}

/// Feature j fires where <x, direction j> > threshold. directions: (F, d), made unit.
inline sae::Sae made_sae(Tensor<float> directions, float threshold = 0.5f) {
  kernels::normalize_rows(directions);
  sae::Sae sae;
  const int64_t F = directions.shape()[0];
  sae.W_enc = directions.clone();
  sae.b_enc = Tensor<float>(Shape{F});
  sae.b_dec = Tensor<float>(Shape{directions.shape()[1]});
  sae.threshold = Tensor<float>(Shape{F});
  for (int64_t f = 0; f < F; ++f) sae.threshold[f] = threshold;
  sae.W_dec = std::move(directions);
  sae.activation = sae::Activation::jumprelu;
  sae.architecture = "jumprelu";
  return sae;
}

/// Row i is the axis `axes[i]` of a space of width d.
inline Tensor<float> axis_rows(const std::vector<int>& axes, int64_t d) {
  Tensor<float> rows(Shape{static_cast<int64_t>(axes.size()), d});
  for (size_t i = 0; i < axes.size(); ++i) rows.at(static_cast<int64_t>(i), axes[i]) = 1;
  return rows;
}

}  // namespace otoscope::features::testing
