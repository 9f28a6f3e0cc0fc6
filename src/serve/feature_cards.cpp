#include "serve/feature_cards.h"

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "serve/bound_number.h"
#include "serve/chart.h"
#include "serve/media.h"

namespace otoscope::serve {
namespace {

/// Punctuation that stands directly after the word before it.
bool closes(const std::string& word) {
  return word.find_first_not_of(".,;:!?)]%\"") == std::string::npos;
}

/// The clip's text; words that overlap the firing around the peak are marked.
void write_text(Html& html, const Example& example, const std::vector<TimedWord>* words) {
  html.open("span", {{"class", "words"}});
  if (words == nullptr || words->empty()) {
    html.text(example.text.empty() ? "(no text)" : example.text);
  } else {
    const double peak = audio::seconds_of({example.frame});
    bool first = true;
    for (const TimedWord& word : *words) {
      if (!first && !closes(word.word)) html.text(" ");
      first = false;
      const bool under = word.start_s <= peak + 0.5 * audio::kFrameSeconds &&
                         peak - 0.5 * audio::kFrameSeconds <= word.end_s;
      if (under)
        html.leaf("mark", word.word);
      else
        html.text(word.word);
    }
  }
  html.close();
}

void write_example(Html& html, const Example& example, const std::vector<TimedWord>* words,
                   const Document& facts, const std::string& pointer) {
  const Media media = media_of(example);
  html.open("figure", {{"class", "example"}});
  html.open("div", {{"class", "picture"}, {"title", "click to play"}});
  html.single("img", {{"alt", "spectrogram"},
                      {"loading", "lazy"},
                      {"src", "data:image/png;base64," + base64(media.spectrogram)}});
  html.raw(activation_overlay(example));
  html.leaf("span", "", {{"class", "cursor"}});
  html.close();
  html.open("audio", {{"controls", ""},
                      {"preload", "none"},
                      {"src", "data:audio/mpeg;base64," + base64(media.mp3)}})
      .close();
  html.open("figcaption");
  write_text(html, example, words);
  html.raw("<br>")
      .text(example.language + " · ")
      .text(example.kind == "top" ? "strongest" : example.kind)
      .text(" · peak ");
  html.raw(bound(facts, pointer + "/value", "short"))
      .text(" at ")
      .raw(bound(facts, pointer + "/peak_s", "fixed2"))
      .text(" s · ");
  html.text(example.name).text(" (" + example.split + ")");
  html.close().close();
}

void write_language_bars(Html& html, const ChosenFeature& feature, const Document& facts,
                         const std::string& pointer) {
  html.open("ul", {{"class", "bars"}, {"aria-label", "share of its firings by language"}});
  for (size_t l = 0; l < feature.languages.size(); ++l) {
    html.open("li").leaf("span", feature.languages[l].language);
    html.open("span", {{"class", "bar"}});
    html.leaf(
        "span", "",
        {{"style",
          "width:" + std::to_string(static_cast<int>(100 * feature.languages[l].share)) + "%"}});
    html.close();
    html.open("span")
        .raw(bound_estimate(facts, pointer + "/languages/" + std::to_string(l) + "/share",
                            "percent0"))
        .close();
    html.close();
  }
  html.close();
}

int64_t write_card(Html& html, const DescribedSae& sae, const ChosenFeature& feature,
                   const Document& facts, const std::string& pointer, Progress& progress) {
  html.open("article",
            {{"class", "feature"}, {"id", sae.files->name + "-" + std::to_string(feature.id)}});
  html.open("header")
      .open("h3")
      .text("Feature ")
      .raw(bound(facts, pointer + "/id", "fixed0"))
      .close();
  html.leaf("span", feature.state, {{"class", feature.state == "alive" ? "tag" : "tag bad"}});
  html.leaf(
      "span",
      feature.association.empty() ? "no association passes" : "goes with: " + feature.association,
      {{"class", "soft"}});
  html.close();
  html.leaf("p", feature.why, {{"class", "why"}});
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
  html.text(" clips, ").raw(bound(facts, pointer + "/clusters", "count")).text(" prompts").close();
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
  if (!feature.languages.empty()) write_language_bars(html, feature, facts, pointer);
  html.open("div", {{"class", "examples"}});
  int64_t shown = 0;
  for (size_t e = 0; e < feature.examples.size(); ++e) {
    const auto words = sae.words.find(feature.examples[e].item);
    try {
      write_example(html, feature.examples[e], words == sae.words.end() ? nullptr : &words->second,
                    facts, pointer + "/examples/" + std::to_string(e));
      ++shown;
    } catch (const UserError& error) {
      progress.note(std::string("an example is left out: ") + error.what());
    }
  }
  html.close().close();
  return shown;
}

}  // namespace

int64_t write_feature_cards(Html& html, const DescribedSae& sae, const Document& facts,
                            size_t index, Progress& progress) {
  progress.start("pictures and sounds of " + sae.files->name,
                 static_cast<int64_t>(sae.chosen.size()), "features");
  int64_t shown = 0;
  for (size_t f = 0; f < sae.chosen.size(); ++f) {
    throw_if_interrupted();
    shown +=
        write_card(html, sae, sae.chosen[f], facts,
                   "/saes/" + std::to_string(index) + "/features/" + std::to_string(f), progress);
    progress.advance(static_cast<int64_t>(f) + 1);
  }
  progress.finish();
  return shown;
}

}  // namespace otoscope::serve
