#include "serve/feature_cards.h"

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "serve/bound_number.h"
#include "serve/chart.h"
#include "serve/claim.h"
#include "serve/example.h"

namespace otoscope::serve {
namespace {

void write_language_bars(Html& html, const ChosenFeature& feature, const Document& facts,
                         const std::string& pointer) {
  html.open("ul", {{"class", "bars"}, {"aria-label", "share of its firings by language"}});
  for (size_t l = 0; l < feature.languages.size(); ++l) {
    html.open("li").leaf("span", feature.languages[l].language);
    html.open("span", {{"class", "bar"}});
    html.leaf("span", "", {{"style", "width:" + share_width(feature.languages[l].share)}});
    html.close();
    html.open("span")
        .raw(bound_estimate(facts, pointer + "/languages/" + std::to_string(l) + "/share",
                            "percent0"))
        .close();
    html.close();
  }
  html.close();
}

/// How often it fires, where, and what survives a shift.
void write_facts(Html& html, const Document& facts, const std::string& pointer) {
  html.open("ul", {{"class", "facts"}});
  html.open("li")
      .text("fires on ")
      .raw(bound_estimate(facts, pointer + "/rate", "percent2"))
      .text(" of frames")
      .close();
  html.open("li")
      .raw(bound(facts, pointer + "/fired", "count"))
      .text(" firings in ")
      .raw(bound(facts, pointer + "/clips", "count"));
  html.text(" clips, ").raw(bound(facts, pointer + "/clusters", "count")).text(" clusters").close();
  html.open("li")
      .text("survives a shift: ")
      .raw(bound_estimate(facts, pointer + "/shift_share", "percent0"));
  html.text(" of ").raw(bound(facts, pointer + "/shift_n", "count")).close();
  html.open("li")
      .text("in silence: ")
      .raw(bound(facts, pointer + "/silent_share", "percent0"))
      .close();
  html.open("li")
      .text("loudness z: ")
      .raw(bound(facts, pointer + "/loudness_z", "signed2"))
      .close();
  html.close();
}

/// The name, or the number where it has none; then category or association.
void write_head(Html& html, const DescribedSae& sae, const ChosenFeature& feature,
                const Document& facts, const std::string& pointer) {
  const bool named = feature.meaning && !feature.meaning->name.empty();
  html.open("summary").open("h3");
  if (named) html.text(feature.meaning->name);
  html.open("span", {{"class", named ? "number soft" : "number"}})
      .text(named ? "feature " : "Feature ")
      .raw(bound(facts, pointer + "/id", "fixed0"))
      .close()
      .close();
  if (feature.meaning)
    write_category_tag(html, feature, sae.files->categories);
  else
    html.leaf(
        "span",
        feature.association.empty() ? "no association passes" : "goes with: " + feature.association,
        {{"class", "soft"}});
  // The category says it too where a shift decided.
  if (!feature.meaning || feature.meaning->category != feature.state)
    html.leaf("span", feature.state, {{"class", feature.state == "alive" ? "tag" : "tag bad"}});
  html.open("span", {{"class", "why"}}).text(feature.why);
  if (feature.shared_of > 0)
    html.text(": ")
        .raw(bound(facts, pointer + "/shared/examples", "count"))
        .text(" of ")
        .raw(bound(facts, pointer + "/shared/of", "count"));
  html.close().close();
}

constexpr size_t kOpen = 2;  // of an SAE's cards: a page of all of them open is too long to read

}  // namespace

void write_feature_card(Html& html, const DescribedSae& sae, const ChosenFeature& feature,
                        const Document& facts, const std::string& pointer, bool open,
                        Progress& progress) {
  if (open)
    html.open("details", {{"class", "feature"}, {"open", ""}});
  else
    html.open("details", {{"class", "feature"}});
  write_head(html, sae, feature, facts, pointer);
  write_claim(html, feature, facts, pointer, sae.files->categories);
  write_models_name(html, feature, facts, pointer);
  write_facts(html, facts, pointer);
  if (!feature.languages.empty()) write_language_bars(html, feature, facts, pointer);
  html.open("div", {{"class", "examples"}});
  for (size_t e = 0; e < feature.examples.size(); ++e) {
    const auto words = sae.words.find(feature.examples[e].item);
    try {
      write_example(html, feature.examples[e], words == sae.words.end() ? nullptr : &words->second,
                    facts, pointer + "/examples/" + std::to_string(e));
    } catch (const UserError& error) {
      progress.note(std::string("an example is left out: ") + error.what());
    }
  }
  html.close().close();
}

void write_feature_cards(Html& html, const DescribedSae& sae, const Document& facts, size_t index,
                         Progress& progress) {
  progress.start("pictures and sounds of " + sae.files->name,
                 static_cast<int64_t>(sae.chosen.size()), "features");
  for (size_t f = 0; f < sae.chosen.size(); ++f) {
    throw_if_interrupted();
    write_feature_card(html, sae, sae.chosen[f], facts,
                       "/saes/" + std::to_string(index) + "/features/" + std::to_string(f),
                       f < kOpen, progress);
    progress.advance(static_cast<int64_t>(f) + 1);
  }
  progress.finish();
}

}  // namespace otoscope::serve
