#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/model/tokenizer.h"

namespace otoscope::model {
namespace {

using Heads = std::vector<std::pair<int, int>>;

struct Published {
  int layers, heads_per_layer, n_vocab;
  Heads heads;
};

// As openai-whisper ships them.
const std::vector<Published>& published() {
  static const std::vector<Published> table{
      {4, 6, 51864, {{1, 0}, {2, 0}, {2, 5}, {3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}}},  // tiny.en
      {4, 6, 51865, {{2, 2}, {3, 0}, {3, 2}, {3, 3}, {3, 4}, {3, 5}}},                  // tiny
      {6, 8, 51864, {{3, 3}, {4, 7}, {5, 1}, {5, 5}, {5, 7}}},                          // base.en
      {6, 8, 51865, {{3, 1}, {4, 2}, {4, 3}, {4, 7}, {5, 1}, {5, 2}, {5, 4}, {5, 6}}},  // base
      {12,
       12,
       51864,
       {{6, 6},
        {7, 0},
        {7, 3},
        {7, 8},
        {8, 2},
        {8, 5},
        {8, 7},
        {9, 0},
        {9, 4},
        {9, 8},
        {9, 10},
        {10, 0},
        {10, 1},
        {10, 2},
        {10, 3},
        {10, 6},
        {10, 11},
        {11, 2},
        {11, 4}}},  // small.en
      {12,
       12,
       51865,
       {{5, 3}, {5, 9}, {8, 0}, {8, 4}, {8, 7}, {8, 8}, {9, 0}, {9, 7}, {9, 9}, {10, 5}}},  // small
      {24,
       16,
       51864,
       {{11, 4},
        {14, 1},
        {14, 12},
        {14, 14},
        {15, 4},
        {16, 0},
        {16, 4},
        {16, 9},
        {17, 12},
        {17, 14},
        {18, 7},
        {18, 10},
        {18, 15},
        {20, 0},
        {20, 3},
        {20, 9},
        {20, 14},
        {21, 12}}},                                                               // medium.en
      {24, 16, 51865, {{13, 15}, {15, 4}, {15, 15}, {16, 1}, {20, 0}, {23, 4}}},  // medium
      {32,
       20,
       51866,
       {{7, 0},
        {10, 17},
        {12, 18},
        {13, 12},
        {16, 1},
        {17, 14},
        {19, 11},
        {21, 4},
        {24, 1},
        {25, 6}}},  // large-v3
      {32, 20, 51865, {{10, 12}, {13, 17}, {16, 11}, {16, 12}, {16, 13}, {17, 15},
                       {17, 16}, {18, 4},  {18, 11}, {18, 19}, {19, 11}, {21, 2},
                       {21, 3},  {22, 3},  {22, 9},  {22, 12}, {23, 5},  {23, 7},
                       {23, 13}, {25, 5},  {26, 1},  {26, 12}, {27, 15}}},  // large-v2 (v1 has the
                                                                            // same sizes)
      {4, 20, 51866, {{2, 4}, {2, 11}, {3, 3}, {3, 6}, {3, 11}, {3, 14}}},  // turbo
  };
  return table;
}

Heads upper_half(const Dims& dims) {
  Heads heads;
  for (int layer = dims.n_text_layer / 2; layer < dims.n_text_layer; ++layer)
    for (int head = 0; head < dims.n_text_head; ++head) heads.emplace_back(layer, head);
  return heads;
}

Heads read_heads(const std::filesystem::path& file, const Dims& dims) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return {};
  const io::Json json = io::read_json(file);
  const auto found = json.find("alignment_heads");
  if (!json.is_object() || found == json.end() || found->is_null()) return {};
  Heads heads;
  const auto refuse = [&] {
    throw UserError(file.string(), "expected alignment_heads as [layer, head] pairs of this model",
                    "mend or delete the entry");
  };
  if (!found->is_array()) refuse();
  for (const io::Json& pair : *found) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_integer() ||
        !pair[1].is_number_integer())
      refuse();
    const auto layer = pair[0].get<int64_t>(), head = pair[1].get<int64_t>();
    if (layer < 0 || layer >= dims.n_text_layer || head < 0 || head >= dims.n_text_head) refuse();
    heads.emplace_back(static_cast<int>(layer), static_cast<int>(head));
  }
  return heads;
}

}  // namespace

std::vector<std::pair<int, int>> alignment_heads(const std::filesystem::path& folder,
                                                 const Dims& dims) {
  for (const char* name : {"generation_config.json", "config.json"})
    // CTranslate2's converter lists the whole upper half where it does not know: no knowledge.
    if (Heads heads = read_heads(folder / name, dims); !heads.empty() && heads != upper_half(dims))
      return heads;
  for (const Published& model : published())
    if (model.layers == dims.n_text_layer && model.heads_per_layer == dims.n_text_head &&
        model.n_vocab == dims.n_vocab)
      return model.heads;
  return upper_half(dims);
}

}  // namespace otoscope::model
