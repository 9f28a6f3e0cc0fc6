#include "serve/bound_table.h"

#include <nlohmann/json.hpp>

namespace otoscope::serve {

std::string text_at(const io::Json& json, const char* key) {
  return json.contains(key) && json.at(key).is_string() ? json.at(key).get<std::string>() : "";
}

void write_bound_table(Html& html, const Document& document, const std::string& first_head,
                       std::span<const BoundRow> rows, std::span<const BoundColumn> columns) {
  html.open("div", {{"class", "scroll"}}).open("table").open("thead").open("tr");
  html.leaf("th", first_head, {{"scope", "col"}});
  for (const BoundColumn& column : columns)
    html.leaf("th", column.head, {{"title", column.meaning}, {"scope", "col"}});
  html.close().close().open("tbody");
  for (const BoundRow& row : rows) {
    html.open("tr", {{"class", row.control ? "control" : "sae"}});
    html.leaf("th", row.name, {{"scope", "row"}});
    for (const BoundColumn& column : columns) {
      html.open("td");
      if (has(document, row.pointer + column.pointer))
        html.raw(bound_estimate(document, row.pointer + column.pointer, column.format));
      else
        html.text("–");
      html.close();
    }
    html.close();
  }
  html.close().close().close();
}

}  // namespace otoscope::serve
