#include "store/foreign_rows.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"

namespace otoscope::store {
namespace fs = std::filesystem;
namespace {

using io::Json;
constexpr const char* kSplits[] = {"train", "dev", "test"};

/// Of ten items eight are train, one dev, one test.
std::string split_by_place(size_t i) { return kSplits[i % 10 < 8 ? 0 : i % 10 - 7]; }

/// Rows of unknown origin: consecutive ones are likely of one clip, so blocks of them are kept
/// together in a split and in an interval's cluster.
std::vector<Item> blocks_as_items(int64_t rows, const std::string& path) {
  const int64_t size = std::clamp<int64_t>(rows / 100, 1, 1000);
  std::vector<Item> items;
  for (int64_t first = 0; first < rows; first += size) {
    Item item;
    item.first_row = first;
    item.n_rows = std::min(size, rows - first);
    item.id = "rows " + std::to_string(first) + "-" + std::to_string(first + item.n_rows - 1);
    item.path = path;
    item.cluster = item.id;
    item.split = split_by_place(items.size());
    items.push_back(std::move(item));
  }
  return items;
}

/// Runs of one number.
std::vector<Item> runs_as_items(const std::vector<int64_t>& column, const std::string& where) {
  std::vector<Item> items;
  std::set<int64_t> seen;
  for (size_t row = 0; row < column.size(); ++row) {
    if (row == 0 || column[row] != column[row - 1]) {
      if (!seen.insert(column[row]).second)
        throw UserError(where,
                        "expected the rows of an item together, got item " +
                            std::to_string(column[row]) + " again in row " + std::to_string(row),
                        "sort the rows by item, then by frame");
      Item item;
      item.id = "item " + std::to_string(column[row]);
      item.path = where;
      item.cluster = item.id;
      item.split = split_by_place(items.size());
      item.first_row = static_cast<int64_t>(row);
      items.push_back(std::move(item));
    }
    ++items.back().n_rows;
  }
  return items;
}

void take_splits(std::vector<Item>& items, const std::vector<int64_t>& column,
                 const std::string& where) {
  for (Item& item : items) {
    const auto begin = column.begin() + item.first_row;
    if (item.n_rows == 0) continue;
    const bool one =
        std::all_of(begin, begin + item.n_rows, [&](int64_t s) { return s == *begin; });
    if (!one || *begin < 0 || *begin > 2)
      throw UserError(
          where, "expected a split of 0 (train), 1 (dev) or 2 (test) for all rows of " + item.id,
          "rows of one clip must not be in two splits");
    item.split = kSplits[*begin];
  }
}

std::vector<int32_t> as_int32(const std::vector<int64_t>& column, const char* name,
                              const std::string& where) {
  std::vector<int32_t> values(column.size());
  for (size_t i = 0; i < column.size(); ++i) {
    if (column[i] < 0 || column[i] > std::numeric_limits<int32_t>::max())
      throw UserError(where, std::string("expected ") + name + " from 0 to 2147483647, got " +
                                 std::to_string(column[i]) + " in row " + std::to_string(i));
    values[i] = static_cast<int32_t>(column[i]);
  }
  return values;
}

void check_mask(const ColumnReader& column, const std::string& where) {
  const auto mask = column("mask");
  if (!mask) return;
  const auto out = std::count(mask->begin(), mask->end(), 0);
  if (out > 0)
    throw UserError(where,
                    "expected rows that all count, got " + std::to_string(out) + " of " +
                        std::to_string(mask->size()) + " that the mask leaves out",
                    "save x[mask], and the other columns likewise");
}

std::string text_or(const Json& json, const char* key, std::string_view where,
                    std::string otherwise = {}) {
  return json.contains(key) ? io::string_at(json, key, where) : std::move(otherwise);
}

Item sidecar_item(const Json& json, std::string_view where) {
  Item item;
  item.id = io::string_at(json, "id", where);
  item.n_rows = io::integer_at(json, "rows", where);
  item.split = text_or(json, "split", where);
  item.cluster = text_or(json, "cluster", where, item.id);
  item.language = text_or(json, "language", where);
  item.speaker = text_or(json, "speaker", where);
  item.prompt_id = text_or(json, "prompt_id", where);
  item.path = text_or(json, "path", where);
  item.text = text_or(json, "text", where);
  if (json.contains("offset_s")) item.offset_s = io::number_at(json, "offset_s", where);
  if (json.contains("duration_s")) item.duration_s = io::number_at(json, "duration_s", where);
  if (json.contains("speech")) item.speech = io::bool_at(json, "speech", where);
  const auto& splits = kSplits;
  if (!item.split.empty() &&
      std::find(std::begin(splits), std::end(splits), item.split) == std::end(splits))
    throw UserError(where,
                    "expected train, dev or test as split of " + item.id + ", got " + item.split);
  return item;
}

}  // namespace

fs::path sidecar_of(const fs::path& path) {
  fs::path sidecar = path;
  return sidecar.replace_extension(".rows.json");
}

ForeignRows parse_sidecar(std::string_view text, std::string_view where) {
  const Json json = io::parse_json(text, where);
  if (io::string_at(json, "schema", where) != "otoscope.rows" ||
      io::integer_at(json, "version", where) != 1)
    throw UserError(where, "expected schema otoscope.rows version 1, got another");
  ForeignRows rows;
  rows.unit = text_or(json, "unit", where, "row");
  if (rows.unit != "row" && rows.unit != "frame" && rows.unit != "token")
    throw UserError(where, "expected row, frame or token at unit, got " + rows.unit);
  rows.site = text_or(json, "site", where);
  if (json.contains("model")) {
    rows.model_name = text_or(json["model"], "name", where);
    rows.model_hash = text_or(json["model"], "hash", where);
  }
  const Json& list = io::member_at(json, "items", where);
  if (!list.is_array()) throw UserError(where, "expected a list at items");
  int64_t row = 0;
  for (const Json& entry : list) {
    Item item = sidecar_item(entry, where);
    if (item.split.empty()) item.split = split_by_place(rows.items.size());
    item.first_row = row;
    if (item.n_rows < 0 || __builtin_add_overflow(row, item.n_rows, &row))
      throw UserError(where, "expected a number of rows at " + item.id + ", got " +
                                 std::to_string(item.n_rows));
    rows.items.push_back(std::move(item));
  }
  return rows;
}

ForeignRows foreign_rows(const fs::path& path, int64_t n, const ColumnReader& column) {
  const std::string where = path.string();
  check_mask(column, where);
  ForeignRows rows;
  auto items = column("item");
  if (!items) items = column("clip");
  const fs::path sidecar = sidecar_of(path);
  const bool told = fs::exists(sidecar);
  if (told) {
    rows = parse_sidecar(io::read_file(sidecar), sidecar.string());
    const int64_t stated =
        rows.items.empty() ? 0 : rows.items.back().first_row + rows.items.back().n_rows;
    if (stated != n)
      throw UserError(sidecar.string(), "expected " + std::to_string(n) +
                                            " rows in all items, as in " + where + ", got " +
                                            std::to_string(stated));
  } else if (items) {
    rows.items = runs_as_items(*items, where);
    if (const auto splits = column("split")) take_splits(rows.items, *splits, where);
  } else {
    rows.items = blocks_as_items(n, where);
  }
  for (size_t i = 0; i < rows.items.size(); ++i)
    rows.item.insert(rows.item.end(), static_cast<size_t>(rows.items[i].n_rows),
                     static_cast<int32_t>(i));
  if (const auto frames = column("frame")) {
    rows.frame = as_int32(*frames, "frame", where);
    if (!told && rows.unit == "row") rows.unit = "frame";
  } else {
    for (const Item& item : rows.items)
      for (int64_t i = 0; i < item.n_rows; ++i) rows.frame.push_back(static_cast<int32_t>(i));
  }
  if (const auto tokens = column("token")) rows.token = as_int32(*tokens, "token", where);
  return rows;
}

}  // namespace otoscope::store
