#pragma once
/// What a foreign file says of its rows, beside their values: columns in the same container, and
/// X.rows.json beside X.npy, X.npz or X.safetensors.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/index.h"

namespace otoscope::store {

/// A column of n integers, or nothing where the container has none of this name.
using ColumnReader = std::function<std::optional<std::vector<int64_t>>(const char* name)>;

struct ForeignRows {
  std::vector<Item> items;                  // they tile the rows
  std::vector<int32_t> item, frame, token;  // by row; token may be empty
  std::string unit = "row", site, model_name, model_hash;
};

/// Columns: `item` (or `clip`; rows of one together), `frame` (its place in the item, else
/// counted), `token`, `split` (0 train, 1 dev, 2 test; one for all rows of an item), `mask` (all
/// true: rows that do not count are to be left out before). The sidecar's items win over the
/// columns' items and splits. Neither: blocks of consecutive rows stand for items. UserError names
/// file and row.
ForeignRows foreign_rows(const std::filesystem::path& path, int64_t rows,
                         const ColumnReader& column);

/// X.rows.json of X.npy.
std::filesystem::path sidecar_of(const std::filesystem::path& path);

/// {"schema": "otoscope.rows", "version": 1, "unit", "site", "model": {"name", "hash"}, "items":
/// [{"id", "rows", "split", "cluster", "language", "speaker", "prompt_id", "path", "offset_s",
/// "duration_s", "speech", "text"}]}; only `id` and `rows` of an item are needed. Exposed for tests
/// and fuzzing.
ForeignRows parse_sidecar(std::string_view json, std::string_view where);

}  // namespace otoscope::store
