#include "serve/structure.h"

#include <nlohmann/json.hpp>

#include "serve/bound_table.h"

namespace otoscope::serve {
namespace {

/// "nasal, vowel /a/": the labels under a unit's firings, the most frequent first.
void write_labels(Html& html, const Document& result, const std::string& pointer) {
  const io::Json& labels = result.json->at(io::Json::json_pointer(pointer));
  constexpr size_t kShown = 6;
  for (size_t i = 0; i < std::min(kShown, labels.size()); ++i) {
    if (i > 0) html.text(", ");
    html.text(text_at(labels[i], "label") + " ")
        .raw(bound(result, pointer + "/" + std::to_string(i) + "/share", "percent0"));
  }
  if (labels.size() > kShown) html.text(", …");
}

void write_illustration(Html& html, const Document& result) {
  const io::Json& shown = result.json->at("illustration");
  if (shown.is_null()) return;
  html.leaf("h4", "One unit taken apart");
  html.open("p").text("Unit ").raw(bound(result, "/illustration/unit", "count"));
  html.text(" of " + text_at(*result.json, "unit_site") + ", " +
            (text_at(shown, "chosen_on").rfind("asked", 0) == 0
                 ? "asked for"
                 : "chosen on " + text_at(shown, "chosen_on")) +
            ", fires on ");
  html.raw(bound(result, "/illustration/firings", "count")).text(" test frames: ");
  write_labels(html, result, "/illustration/labels");
  html.text(".").close().open("ul");
  const io::Json& parts = shown.at("of_parts");
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string here = "/illustration/of_parts/" + std::to_string(i);
    html.open("li").text("Feature ").raw(bound(result, here + "/feature", "count"));
    const std::string part = "/illustration/parts/parts/" + std::to_string(i);
    if (has(result, part + "/test_share"))
      html.text(" gives ").raw(bound(result, part + "/test_share", "percent0")).text(" of it");
    html.text(" and fires on ");
    write_labels(html, result, here + "/labels");
    html.text(".").close();
  }
  html.close();
}

}  // namespace

void write_stability(Html& html, const Document& result) {
  html.leaf("h3", "Do other seeds find the same features?");
  if (!result.json->at("found").empty()) {
    html.open("p").text("Of ").raw(bound(result, "/found/0/live", "count"));
    html.text(" features of the first SAE, ")
        .raw(bound_estimate(result, "/found/0/in_all", "percent0"))
        .text(" are found by every other seed too.")
        .close();
  }
  const BoundColumn kColumns[] = {
      {"mutual", "/mutual", "percent0", "features whose nearest neighbour has them as its nearest"},
      {"cosine ≥ .7", "/mutual_at/0.7", "percent0", "the same with a cosine of at least .7"},
      {"PW-MCC", "/pw_mcc", "fixed2", "mean cosine of the best one-to-one assignment"},
      {"covered", "/covered_a", "percent0",
       "features with a partner that fires on the same frames (IoU over .5)"}};
  std::vector<BoundRow> rows;
  for (const auto& [key, control] : {std::pair("pairs", false), std::pair("controls", true)})
    for (size_t i = 0; i < result.json->at(key).size(); ++i) {
      const io::Json& pair = result.json->at(key)[i];
      rows.push_back({text_at(pair, "a") + " with " + text_at(pair, "b"),
                      std::string("/") + key + "/" + std::to_string(i), control});
    }
  const io::Json& nulls = result.json->at("nulls").at("simulated");
  for (size_t i = 0; i < nulls.size(); ++i)
    rows.push_back(
        {"null: " + text_at(nulls[i], "b"), "/nulls/simulated/" + std::to_string(i), true});
  write_bound_table(html, result, "", rows, kColumns);
}

void write_crosslingual(Html& html, const Document& result) {
  html.leaf("h3", "Do features mean the same in two languages?");
  html.open("p").text("Each of ").raw(bound(result, "/clips", "count"));
  html.text(
      " test clips looks for its translation by the likeness of what its frames hold. A long "
      "sentence has a long translation, so the search by length alone stands beside it.");
  html.close();
  const BoundColumn kSearch[] = {
      {"first", "/all/top1", "percent1", "translations found at the first place"},
      {"by chance", "/all/chance_top1", "percent1", "the same for a random order"},
      {"MRR", "/all/mrr", "fixed3", "mean of 1/rank"},
      {"p", "/p_like_length", "short", "by exchange among prompts of like length"}};
  std::vector<BoundRow> rows;
  const io::Json& retrieval = result.json->at("retrieval");
  for (size_t i = 0; i < retrieval.size(); ++i) {
    const io::Json& one = retrieval[i];
    if (!one.value("chosen", false)) continue;
    const bool features = text_at(one, "what") == "features";
    rows.push_back({text_at(one, "what") + (features ? " of " + text_at(one, "of") : ""),
                    "/retrieval/" + std::to_string(i), !rows.empty()});
  }
  write_bound_table(html, result, "searched by", rows, kSearch);

  const BoundColumn kPairs[] = {
      {"rate apart", "/rates/fourfold", "percent1",
       "features that fire four times as often in one of the two languages"},
      {"by chance", "/rates/chance", "percent1", "the same with languages exchanged"},
      {"labels alike", "/sharing/across", "fixed2",
       "1 - Jensen-Shannon divergence of the phones under a feature's firings, across languages"},
      {"within one", "/sharing/within", "fixed2", "the same between halves of one language"},
      {"other feature", "/sharing/other", "fixed2", "the same with another feature"},
      {"shared", "/sharing/shared", "fixed2", "where between the last two the first lies"}};
  rows.clear();
  const io::Json& pairs = result.json->at("/saes/0/pairs"_json_pointer);
  for (size_t i = 0; i < pairs.size(); ++i)
    rows.push_back({text_at(pairs[i], "a") + " – " + text_at(pairs[i], "b") +
                        (pairs[i].value("same_speakers", false) ? ", one voice" : ""),
                    "/saes/0/pairs/" + std::to_string(i), false});
  write_bound_table(html, result, "languages", rows, kPairs);
  html.leaf("p",
            "Only the pair with one voice separates language from speaker: elsewhere a difference "
            "may be the voice's.",
            {{"class", "soft"}});
}

void write_decomposition(Html& html, const Document& result) {
  html.leaf("h3", "Are features purer than neurons?");
  html.open("p").text("Units of " + text_at(*result.json, "unit_site") +
                      " against the features that share them, at equal numbers of firings: the "
                      "effective number of labels (phones) under the firings. Positive bits: the "
                      "features are purer.");
  html.close();
  const BoundColumn kColumns[] = {
      {"units", "/compared", "count", "that could be compared"},
      {"labels of a unit", "/unit_senses", "fixed1", "2^entropy of the labels under its firings"},
      {"of its features", "/senses", "fixed1", "the same for the features that share it"},
      {"bits purer", "/bits", "signed3", "entropy of the unit minus that of its features"},
      {"purer", "/purer", "percent0", "units whose features are purer"},
      {"p", "/p", "short", "paired, signs flipped over units"}};
  std::vector<BoundRow> rows;
  const io::Json& tables = result.json->at("tables");
  for (size_t i = 0; i < tables.size(); ++i)
    rows.push_back({text_at(tables[i], "name") +
                        (text_at(tables[i], "of").empty() ? "" : ", " + text_at(tables[i], "of")),
                    "/tables/" + std::to_string(i), i > 0});
  write_bound_table(html, result, "", rows, kColumns);
  write_illustration(html, result);
}

}  // namespace otoscope::serve
