#include "serve/categories.h"

#include <nlohmann/json.hpp>

#include "serve/bound_table.h"
#include "serve/claim.h"
#include "serve/feature_cards.h"

namespace otoscope::serve {
namespace {

void write_table(Html& html, const Document& categories) {
  const io::Json& json = *categories.json;
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

/// A fold per category, open where the category is shown.
void write_examples(Html& html, const DescribedSae& sae, const Document& facts, size_t index,
                    Progress& progress) {
  const Document& categories = *sae.files->categories;
  progress.start("categories of " + sae.files->name, static_cast<int64_t>(sae.categories.size()),
                 "categories");
  for (size_t c = 0; c < sae.categories.size(); ++c) {
    const CategoryCards& cards = sae.categories[c];
    const Standing standing = standing_of(categories, cards.category);
    Attributes attributes{{"class", "category"}};
    if (standing.words == "shown") attributes.emplace_back("open", "");
    html.open("details", attributes).open("summary").leaf("b", cards.category);
    html.leaf("span", standing.words, {{"class", standing.words == "shown" ? "tag" : "tag bad"}});
    const io::Json& column = categories.json->at("columns")[0];
    html.text(" ")
        .raw(
            bound(categories,
                  standing.pointer + "/counts/" + escaped_key(column.at("name").get<std::string>()),
                  "count"))
        .text(" of ")
        .raw(bound(categories, "/columns/0/firing", "count"))
        .text(" firing features; the strongest to hear")
        .close();
    const std::string here =
        "/saes/" + std::to_string(index) + "/categories/" + std::to_string(c) + "/features/";
    for (size_t f = 0; f < cards.features.size(); ++f)
      write_feature_card(html, sae, cards.features[f], facts, here + std::to_string(f), true,
                         progress);
    html.close();
    progress.advance(static_cast<int64_t>(c) + 1);
  }
  progress.finish();
}

}  // namespace

void write_categories(Html& html, const SaeFiles& files, const DescribedSae* described,
                      const Document& facts, size_t index, Progress& progress) {
  const Document& categories = *files.categories;
  html.leaf("h3", files.title());
  html.open("p").text("Labels and thresholds are chosen on ");
  html.raw(bound(categories, "/rows/train_dev", "count"))
      .text(" train and dev frames and held to ");
  html.raw(bound(categories, "/rows/test", "count")).text(" test frames of ");
  html.raw(bound(categories, "/clusters", "count"));
  html.text(
      " clusters. A category is not shown where a control names half as many, or half as large a "
      "share of what "
      "fires.");
  html.close();
  write_table(html, categories);
  if (described == nullptr || described->categories.empty()) return;
  html.leaf("p",
            "Below, of each category the features that are strongest on test: picked for that, so "
            "their figures flatter the category.",
            {{"class", "soft"}});
  write_examples(html, *described, facts, index, progress);
}

}  // namespace otoscope::serve
