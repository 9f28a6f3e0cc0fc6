#pragma once
/// A store whose features are known: rows are sums of axes, the SAE reads each axis.

#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/sae/sae.h"
#include "otoscope/store/writer.h"

namespace otoscope::features::testing {

inline constexpr int64_t kWidth = 8;

/// Feature j fires on a row iff axis j is above one half, with that value.
inline sae::Sae axis_sae(int64_t F) {
  sae::Sae sae;
  sae.W_enc = Tensor<float>(Shape{F, kWidth});
  sae.W_dec = Tensor<float>(Shape{F, kWidth});
  sae.b_enc = Tensor<float>(Shape{F});
  sae.b_dec = Tensor<float>(Shape{kWidth});
  sae.threshold = Tensor<float>(Shape{F});
  for (int64_t f = 0; f < F; ++f)
    sae.W_enc.at(f, f) = sae.W_dec.at(f, f) = 1, sae.threshold[f] = 0.5f;
  sae.activation = sae::Activation::jumprelu;
  sae.architecture = "jumprelu";
  return sae;
}

struct PlantedRow {
  store::RowOrigin origin;
  std::vector<float> x;
};

/// Items of `n` rows each; `value(item, frame, axis)` gives the rows. Items alternate between
/// languages a and b and have a cluster each.
template <class Value>
void write_planted(const std::filesystem::path& folder, int64_t items, int64_t n,
                   const Value& value, const std::string& audio = {}) {
  store::Header header;
  header.site = "encoder.out";
  header.model_name = "planted";
  header.model_hash = "none";
  header.d = kWidth;
  header.dtype = "f32";
  std::vector<store::Item> list;
  std::vector<store::RowOrigin> origins;
  Tensor<float> x(Shape{items * n, kWidth});
  for (int64_t i = 0; i < items; ++i) {
    store::Item item;
    item.id = "clip" + std::to_string(i);
    item.path = audio.empty() ? "/nowhere/" + item.id + ".wav" : audio;
    item.language = i % 2 == 0 ? "a" : "b";
    item.split = "test";
    item.prompt_id = item.cluster = item.id;
    item.text = i == 0 ? "the only mention of walrus" : "plain words";
    item.duration_s = static_cast<double>(n) * 0.02;
    item.first_row = i * n;
    item.n_rows = n;
    list.push_back(item);
    for (int64_t t = 0; t < n; ++t) {
      origins.push_back({static_cast<int32_t>(i), static_cast<int32_t>(t), static_cast<int32_t>(i),
                         static_cast<int16_t>(t)});
      for (int64_t axis = 0; axis < kWidth; ++axis) x.at(i * n + t, axis) = value(i, t, axis);
    }
  }
  store::write_store(folder, header, list, origins, x.view());
}

}  // namespace otoscope::features::testing
