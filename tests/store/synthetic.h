#pragma once
/// Small stores of known content.

#include <string>
#include <vector>

#include "otoscope/core/rng.h"
#include "otoscope/store/writer.h"

namespace otoscope::testing {

struct Synthetic {
  store::Header header;
  std::vector<store::Item> items;
  std::vector<store::RowOrigin> origins;
  Tensor<float> x;
};

/// Items of 0 to 12 rows, splits in turn, normal values.
inline Synthetic synthetic(int64_t n_items, int64_t d, const std::string& dtype = "f32") {
  Synthetic made;
  made.header.site = "encoder.out";
  made.header.model_name = "synthetic";
  made.header.model_hash = "00";
  made.header.d = d;
  made.header.dtype = dtype;
  Rng rng(7, "synthetic store");
  for (int64_t i = 0; i < n_items; ++i) {
    store::Item item;
    item.id = "clip " + std::to_string(i);
    item.path = "/audio/" + std::to_string(i) + ".wav";
    item.language = i % 2 == 0 ? "en" : "fr";
    item.cluster = std::to_string(i / 2);
    item.split = i % 5 < 3 ? "train" : i % 5 == 3 ? "dev" : "test";
    item.text = "naïve \"quoted\"";
    item.duration_s = 0.1 * static_cast<double>(i);
    item.first_row = static_cast<int64_t>(made.origins.size());
    item.n_rows = i == 3 ? 0 : static_cast<int64_t>(rng.below(13));
    for (int64_t f = 0; f < item.n_rows; ++f)
      made.origins.push_back({static_cast<int32_t>(i), static_cast<int32_t>(f),
                              static_cast<int32_t>(i / 3), static_cast<int16_t>(10 * (i % 3) + f)});
    made.items.push_back(item);
  }
  made.x = Tensor<float>({static_cast<int64_t>(made.origins.size()), d});
  for (int64_t i = 0; i < made.x.size(); ++i) made.x[i] = static_cast<float>(rng.normal() + 0.5);
  return made;
}

}  // namespace otoscope::testing
