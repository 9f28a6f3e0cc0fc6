#include <nlohmann/json.hpp>

#include "features/parse_columns.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"

namespace otoscope::features {
namespace {

constexpr int64_t kMostBytes = int64_t{64} << 20;

}  // namespace

io::OrderedJson categories_json(const std::vector<Column>& columns, const LabelledRows& rows,
                                const MeaningOptions& options) {
  io::OrderedJson json = {{"schema", "otoscope.categories"}, {"version", 1}};
  json["rows"] = {{"train_dev", rows.rows_on(Side::choose)}, {"test", rows.rows_on(Side::test)}};
  json["clusters"] = rows.clusters();
  io::OrderedJson kinds = io::OrderedJson::object();
  for (int k = 0; k < audio::kLabelKinds; ++k) {
    const auto kind = static_cast<audio::LabelKind>(k);
    if (!rows.present(kind)) continue;
    kinds[std::string(audio::label_kind_name(kind))] = {
        {"values", rows.values_of(kind).second},
        {"known_rows_train_dev", rows.known_rows(Side::choose, kind)},
        {"known_rows_test", rows.known_rows(Side::test, kind)},
        {"tested",
         tested_exactly(rows, kind, options.null) ? "exactly by clip" : "by permutation"}};
  }
  json["kinds"] = std::move(kinds);
  MeaningOptions copy = options;
  json["options"] = io::options_to_json(options_of(copy));
  json["rule"] =
      "a category is not shown where a control names at least half as large a share of its firing "
      "units";
  io::OrderedJson list = io::OrderedJson::array();
  for (const Column& column : columns)
    list.push_back({{"name", column.name},
                    {"note", column.note},
                    {"ceiling", column.ceiling},
                    {"units", column.units},
                    {"firing", column.firing}});
  json["columns"] = std::move(list);
  io::OrderedJson categories = io::OrderedJson::array();
  for (int c = 0; c < kCategories; ++c) {
    const auto category = static_cast<Category>(c);
    io::OrderedJson one = {{"category", category_name(category)}};
    io::OrderedJson counts = io::OrderedJson::object(), shares = counts, best = counts;
    for (const Column& column : columns) {
      counts[column.name] = column.counts[static_cast<size_t>(c)];
      shares[column.name] = column.firing > 0
                                ? static_cast<double>(column.counts[static_cast<size_t>(c)]) /
                                      static_cast<double>(column.firing)
                                : 0.0;
      best[column.name] = column.best_f1[static_cast<size_t>(c)];
    }
    one["counts"] = std::move(counts);
    one["share_of_firing"] = std::move(shares);
    if (is_named(category)) {
      one["best_f1"] = std::move(best);
      one["standing"] = standing(columns, category);
    }
    categories.push_back(std::move(one));
  }
  json["categories"] = std::move(categories);
  return json;
}

std::vector<Column> read_columns(const std::filesystem::path& path) {
  return parse_columns(io::read_file(path, kMostBytes), path.string());
}

std::vector<Column> parse_columns(std::string_view text, std::string_view where) {
  const io::Json json = io::parse_json(text, where);
  std::vector<Column> columns;
  for (const io::Json& one : io::member_at(json, "columns", where)) {
    Column column;
    column.name = io::string_at(one, "name", where);
    column.note = io::string_at(one, "note", where);
    column.ceiling = io::bool_at(one, "ceiling", where);
    column.units = io::integer_at(one, "units", where);
    column.firing = io::integer_at(one, "firing", where);
    columns.push_back(std::move(column));
  }
  for (const io::Json& one : io::member_at(json, "categories", where)) {
    const std::string name = io::string_at(one, "category", where);
    for (int c = 0; c < kCategories; ++c) {
      if (name != category_name(static_cast<Category>(c))) continue;
      for (Column& column : columns) {
        column.counts[static_cast<size_t>(c)] =
            io::integer_at(io::member_at(one, "counts", where), column.name, where);
        if (one.contains("best_f1"))
          column.best_f1[static_cast<size_t>(c)] =
              io::number_at(one.at("best_f1"), column.name, where);
      }
    }
  }
  return columns;
}

}  // namespace otoscope::features
