#include "serve/claim.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "serve/bound_number.h"

namespace otoscope::serve {
namespace {

/// "precision 0.38 on test" -> "precision on test": the figures stand beside it, bound.
std::string without_numbers(const std::string& text) {
  std::istringstream words(text);
  std::string out, word;
  while (words >> word)
    if (word.find_first_of("0123456789") == std::string::npos)
      out += (out.empty() ? "" : " ") + word;
  return out;
}

/// "word “saturday”", "phone /iː/", "language en"
std::string label_text(const Claim& claim) {
  if (claim.kind == "phone") return "phone /" + claim.value + "/";
  if (claim.kind == "word" || claim.kind == "meaning") return claim.kind + " “" + claim.value + "”";
  return claim.kind == claim.value ? claim.value : claim.kind + " " + claim.value;
}

}  // namespace

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

Standing standing_of(const Document& categories, const std::string& category) {
  Standing standing;
  const io::Json& list = categories.json->at("categories");
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].at("category") != category) continue;
    standing.pointer = "/categories/" + std::to_string(i);
    standing.words = list[i].value("standing", std::string());
    if (!list[i].contains("best_f1")) break;
    double best = 0;
    bool first = true;
    for (const io::Json& column : categories.json->at("columns")) {
      const auto name = column.at("name").get<std::string>();
      const double f1 = list[i]["best_f1"].at(name).get<double>();
      if (!first && !column.value("ceiling", false) && f1 > best)
        best = f1, standing.best_control = name;
      first = false;
    }
    break;
  }
  return standing;
}

void write_category_tag(Html& html, const ChosenFeature& feature,
                        const std::optional<Document>& categories) {
  if (!feature.meaning) return;
  const std::string& category = feature.meaning->category;
  const std::string standing = categories ? standing_of(*categories, category).words : "";
  html.leaf("span", category + (standing.empty() || standing == "shown" ? "" : ", " + standing),
            {{"class", standing == "shown" ? "tag" : "tag bad"}});
}

void write_claim(Html& html, const ChosenFeature& feature, const Document& facts,
                 const std::string& pointer, const std::optional<Document>& categories) {
  if (!feature.meaning || !feature.meaning->claim) return;
  const FeatureMeaning& meaning = *feature.meaning;
  const Claim& claim = *meaning.claim;
  const std::string here = pointer + "/meaning/claim";
  const auto estimate = [&](const char* what, const char* key) -> Html& {
    html.open("li").text(what).raw(bound_estimate(facts, here + key, "fixed2"));
    return html;
  };
  if (meaning.name.empty())
    html.leaf("p",
              "Its best claim was " + label_text(claim) +
                  "; it fell: " + without_numbers(meaning.failed) + ".",
              {{"class", "soft"}});
  html.open("ul", {{"class", "facts claim"}});
  estimate("precision ", "/precision")
      .text(" (chance: ")
      .raw(bound(facts, here + "/base", "fixed2"));
  html.text(")").close();
  estimate("recall ", "/recall").close();
  estimate("F1 ", "/f1");
  if (categories) {
    const Standing standing = standing_of(*categories, meaning.category);
    if (!standing.best_control.empty())
      html.text(" (best of a control: ")
          .raw(bound(*categories,
                     standing.pointer + "/best_f1/" + escaped_key(standing.best_control), "fixed2"))
          .text(", " + standing.best_control + ")");
  }
  html.close();
  html.open("li").text("n ").raw(bound(facts, here + "/fired", "count")).text(" test frames in ");
  html.raw(bound(facts, here + "/test_events", "count")).text(" runs; in all ");
  html.raw(bound(facts, here + "/events", "count")).text(" runs of ");
  html.raw(bound(facts, here + "/event_clusters", "count")).text(" clusters").close();
  if (claim.p)
    html.open("li", {{"title", claim.p_method}})
        .text("p ")
        .raw(bound(facts, here + "/p", "short"))
        .text(" (corrected)")
        .close();
  if (claim.onset)
    html.open("li")
        .text("starts ")
        .raw(bound(facts, here + "/onset", "signed1"))
        .text(" frames from the label's start")
        .close();
  html.close();
}

void write_models_name(Html& html, const ChosenFeature& feature, const Document& facts,
                       const std::string& pointer) {
  if (!feature.models_name) return;
  const ModelsName& name = *feature.models_name;
  html.open("p").text("Named by " + name.model + ": ").leaf("b", "“" + name.name + "”");
  bool any = false;
  const auto add = [&](const char* what, const char* key,
                       const std::optional<ModelsName::Score>& score) {
    if (!score) return;
    const std::string here = pointer + "/models_name/" + key;
    html.text(any ? ", " : ". Moments of test that it tells apart: ")
        .text(what)
        .raw(bound(facts, here + "/right", "count"))
        .text(" of ")
        .raw(bound(facts, here + "/of", "count"));
    any = true;
  };
  add("by this name ", "own", name.own);
  add("by the rule-made one ", "rule", name.rule);
  add("by another feature's ", "shuffled", name.shuffled);
  html.text(".").close();
}

}  // namespace otoscope::serve
