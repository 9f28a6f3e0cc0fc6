#include "serve/categories.h"

#include <nlohmann/json.hpp>

#include "serve/bound_table.h"

namespace otoscope::serve {
namespace {

/// A key as a JSON pointer's part (RFC 6901).
std::string escaped_key(const std::string& key) {
  std::string out;
  for (const char c : key)
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  return out;
}

}  // namespace

void write_categories(Html& html, const Document& categories, const std::string& title) {
  const io::Json& json = *categories.json;
  html.leaf("h3", title);
  html.open("p").text("Labels and thresholds are chosen on ");
  html.raw(bound(categories, "/rows/train_dev", "count"))
      .text(" train and dev frames and held to ");
  html.raw(bound(categories, "/rows/test", "count")).text(" test frames of ");
  html.raw(bound(categories, "/clusters", "count"));
  html.text(
      " clusters. A category is not shown where a control names half as large a share of what "
      "fires.");
  html.close();

  std::vector<BoundColumn> columns;
  for (const io::Json& column : json.at("columns")) {
    const std::string name = column.at("name").get<std::string>();
    columns.push_back(
        {name, "/counts/" + escaped_key(name), "count", column.value("note", std::string())});
  }
  std::vector<BoundRow> rows;
  const io::Json& list = json.at("categories");
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string standing = list[i].value("standing", std::string());
    rows.push_back({list[i].at("category").get<std::string>() +
                        (standing.empty() ? "" : " (" + standing + ")"),
                    "/categories/" + std::to_string(i), standing.empty() || standing != "shown"});
  }
  write_bound_table(html, categories, "category", rows, columns);
  html.open("ul", {{"class", "soft"}});
  for (const io::Json& column : json.at("columns"))
    if (!column.value("note", std::string()).empty())
      html.leaf("li",
                column.at("name").get<std::string>() + ": " + column.at("note").get<std::string>());
  html.close();
}

}  // namespace otoscope::serve
