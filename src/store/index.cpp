#include "store/index.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"

namespace otoscope::store {
namespace {

using io::Json;
using io::OrderedJson;

constexpr int64_t kVersion = 1;
constexpr const char* kSchema = "otoscope.store";

OrderedJson to_json(const Item& item) {
  OrderedJson json = OrderedJson::object();
  json["id"] = item.id;
  json["path"] = item.path;
  json["offset_s"] = item.offset_s;
  json["duration_s"] = item.duration_s;
  json["language"] = item.language;
  json["speaker"] = item.speaker;
  json["split"] = item.split;
  json["prompt_id"] = item.prompt_id;
  json["cluster"] = item.cluster;
  json["speech"] = item.speech;
  json["text"] = item.text;
  json["first_row"] = item.first_row;
  json["rows"] = item.n_rows;
  return json;
}

Item item_of(const Json& json, std::string_view where) {
  Item item;
  item.id = io::string_at(json, "id", where);
  item.path = io::string_at(json, "path", where);
  item.offset_s = io::number_at(json, "offset_s", where);
  item.duration_s = io::number_at(json, "duration_s", where);
  item.language = io::string_at(json, "language", where);
  item.speaker = io::string_at(json, "speaker", where);
  item.split = io::string_at(json, "split", where);
  item.prompt_id = io::string_at(json, "prompt_id", where);
  item.cluster = io::string_at(json, "cluster", where);
  item.speech = io::bool_at(json, "speech", where);
  item.text = io::string_at(json, "text", where);
  item.first_row = io::integer_at(json, "first_row", where);
  item.n_rows = io::integer_at(json, "rows", where);
  return item;
}

OrderedJson to_json(const Shard& shard) {
  OrderedJson json = OrderedJson::object();
  json["file"] = shard.file;
  json["rows"] = shard.rows;
  json["first_row"] = shard.first_row;
  json["sha256"] = shard.sha256;
  return json;
}

OrderedJson to_json(const Statistics& statistics) {
  OrderedJson json = OrderedJson::object();
  json["rows"] = statistics.rows;
  json["split"] = statistics.split;
  json["mean_norm"] = statistics.mean_norm;
  json["mean_squared_norm"] = statistics.mean_squared_norm;
  json["variance"] = statistics.variance;
  json["mean"] = statistics.mean;
  json["geometric_median"] = statistics.geometric_median;
  return json;
}

template <class T>
std::vector<T> numbers_at(const Json& json, const char* key, int64_t count,
                          std::string_view where) {
  const Json& list = io::member_at(json, key, where);
  bool good = list.is_array() && static_cast<int64_t>(list.size()) == count;
  for (size_t i = 0; good && i < list.size(); ++i)
    good = list[i].is_number() &&
           std::abs(list[i].get<double>()) <= static_cast<double>(std::numeric_limits<T>::max());
  if (!good) throw UserError(where, "expected " + std::to_string(count) + " numbers at " + key);
  return list.get<std::vector<T>>();
}

Statistics statistics_of(const Json& json, int64_t d, std::string_view where) {
  Statistics statistics;
  statistics.rows = io::integer_at(json, "rows", where);
  statistics.split = io::string_at(json, "split", where);
  statistics.mean_norm = io::number_at(json, "mean_norm", where);
  statistics.mean_squared_norm = io::number_at(json, "mean_squared_norm", where);
  statistics.variance = io::number_at(json, "variance", where);
  statistics.mean = numbers_at<double>(json, "mean", d, where);
  statistics.geometric_median = numbers_at<float>(json, "geometric_median", d, where);
  return statistics;
}

const Json& list_at(const Json& json, const char* key, std::string_view where) {
  const Json& list = io::member_at(json, key, where);
  if (!list.is_array()) throw UserError(where, std::string("expected a list at ") + key);
  return list;
}

/// Ranges that begin where the one before ended. Returns where the last one ends.
int64_t next_row(int64_t expected, int64_t first, int64_t rows, const std::string& what,
                 std::string_view where) {
  int64_t end = 0;
  if (first != expected || rows < 0 || __builtin_add_overflow(first, rows, &end))
    throw UserError(where, "expected " + what + " to begin at row " + std::to_string(expected) +
                               ", got row " + std::to_string(first) + " and " +
                               std::to_string(rows) + " rows");
  return end;
}

void append_lines(std::string& text, const char* key, const std::vector<OrderedJson>& lines) {
  text += std::string(" \"") + key + "\": [";
  for (size_t i = 0; i < lines.size(); ++i) text += (i == 0 ? "\n  " : ",\n  ") + lines[i].dump();
  text += lines.empty() ? "],\n" : "\n ],\n";
}

}  // namespace

std::string shard_name(int64_t number) {
  char name[40];
  std::snprintf(name, sizeof name, "shard-%05lld.safetensors", static_cast<long long>(number));
  return name;
}

std::string index_text(const Index& index) {
  const Header& header = index.header;
  OrderedJson head = OrderedJson::object();
  head["schema"] = kSchema;
  head["version"] = kVersion;
  head["site"] = header.site;
  head["model"] = {{"name", header.model_name}, {"hash", header.model_hash}};
  head["unit"] = header.unit;
  head["d"] = header.d;
  head["dtype"] = header.dtype;
  head["precision"] = header.precision;
  head["packed"] = header.packed;
  head["padding"] = header.padding;
  if (!header.context.empty()) head["context"] = header.context;
  head["clusters_by_speaker"] = header.clusters_by_speaker;
  head["plan"] = header.plan;
  head["rows"] = index.rows;
  std::string text = head.dump(1);
  text.resize(text.rfind("\n}"));
  text += ",\n";
  std::vector<OrderedJson> lines;
  for (const Shard& shard : index.shards) lines.push_back(to_json(shard));
  append_lines(text, "shards", lines);
  lines.clear();
  for (const Item& item : index.items) lines.push_back(to_json(item));
  append_lines(text, "items", lines);
  return text + " \"statistics\": " + to_json(index.statistics).dump() + "\n}\n";
}

Index parse_index(std::string_view text, std::string_view where) {
  const Json json = io::parse_json(text, where);
  if (io::string_at(json, "schema", where) != kSchema ||
      io::integer_at(json, "version", where) != kVersion)
    throw UserError(where, "expected schema " + std::string(kSchema) + " version 1, got another",
                    "extract it again, or use the otoscope that wrote it");
  Index index;
  Header& header = index.header;
  header.site = io::string_at(json, "site", where);
  const Json& model = io::member_at(json, "model", where);
  header.model_name = io::string_at(model, "name", where);
  header.model_hash = io::string_at(model, "hash", where);
  header.unit = io::string_at(json, "unit", where);
  header.d = io::integer_at(json, "d", where);
  header.dtype = io::string_at(json, "dtype", where);
  header.precision = io::string_at(json, "precision", where);
  header.packed = io::bool_at(json, "packed", where);
  header.padding = io::string_at(json, "padding", where);
  if (json.contains("context")) header.context = io::string_at(json, "context", where);
  header.clusters_by_speaker = io::bool_at(json, "clusters_by_speaker", where);
  for (const Json& line : list_at(json, "plan", where)) {
    if (!line.is_string()) throw UserError(where, "expected texts at plan");
    header.plan.push_back(line.get<std::string>());
  }
  index.rows = io::integer_at(json, "rows", where);
  if (header.d < 1 || header.d > 1 << 20)
    throw UserError(where,
                    "expected a width in [1, 1048576] at d, got " + std::to_string(header.d));
  if (header.dtype != "f16" && header.dtype != "f32")
    throw UserError(where, "expected f16 or f32 at dtype, got " + header.dtype);

  int64_t row = 0;
  for (const Json& entry : list_at(json, "shards", where)) {
    Shard shard{io::string_at(entry, "file", where), io::integer_at(entry, "rows", where),
                io::integer_at(entry, "first_row", where), io::string_at(entry, "sha256", where)};
    row = next_row(row, shard.first_row, shard.rows, "shard " + shard.file, where);
    index.shards.push_back(std::move(shard));
  }
  next_row(row, index.rows, 0, "the end of the shards", where);
  row = 0;
  for (const Json& entry : list_at(json, "items", where)) {
    index.items.push_back(item_of(entry, where));
    const Item& item = index.items.back();
    row = next_row(row, item.first_row, item.n_rows, "item " + item.id, where);
  }
  next_row(row, index.rows, 0, "the end of the items", where);
  index.statistics = statistics_of(io::member_at(json, "statistics", where), header.d, where);
  return index;
}

}  // namespace otoscope::store
