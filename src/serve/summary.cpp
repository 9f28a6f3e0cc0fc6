#include "serve/summary.h"

#include <nlohmann/json.hpp>

#include "serve/bound_number.h"
#include "serve/claim.h"
#include "serve/evaluation.h"

namespace otoscope::serve {

namespace {

/// How many features labels give a name, beside the same features with the labels of other clips.
void write_named_share(Html& html, const Document& categories, const std::string& title) {
  const std::string unnamed = standing_of(categories, "unnamed").pointer + "/share_of_firing/";
  const io::Json& columns = categories.json->at("columns");
  html.open("li").text(title + ": with labels of phones, words and more, ");
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto name = columns[i].at("name").get<std::string>();
    if (i > 0 && name != "shuffled labels") continue;
    if (i > 0) html.text("; with the labels of other clips, ");
    html.raw(bound(categories, unnamed + escaped_key(name), "percent1"))
        .text(" of ")
        .raw(bound(categories, "/columns/" + std::to_string(i) + "/firing", "count"));
    if (i == 0) html.text(" features that fire stay unnamed");
  }
  html.text(".").close();
}

}  // namespace

void write_summary(Html& html, const RunFiles& run, const Document& facts) {
  html.open("p")
      .text(
          "Sparse autoencoders were trained on the activations of a speech model, frame by frame, "
          "then tested on speech that "
          "training did not see. This page says how much of the model they explain, what it costs "
          "to put them in "
          "the model's place, and what single features fire on. Every number is bound to the file "
          "it comes from.")
      .close();
  html.open("ul");
  for (const SaeFiles& sae : run.saes) {
    if (!sae.eval) continue;
    html.open("li")
        .text(sae.title() + ": ")
        .raw(bound_estimate(*sae.eval, "/table/0/fidelity/fvu", "fixed3"));
    html.text(" of the variance is not explained with ")
        .raw(bound(*sae.eval, "/table/0/fidelity/l0/value", "fixed1"))
        .text(" features a frame");
    if (has(*sae.eval, "/table/0/spliced/wer_difference")) {
      html.text("; in the model's place it changes the word error rate by ");
      html.raw(bound_estimate(*sae.eval, "/table/0/spliced/wer_difference", "percent1"));
    }
    html.text(".").close();
  }
  for (size_t i = 0; i < facts.json->at("saes").size(); ++i) {
    const std::string pointer = "/saes/" + std::to_string(i);
    html.open("li")
        .text(facts.json->at("saes")[i]["name"].get<std::string>() + ": of ")
        .raw(bound(facts, pointer + "/firing", "count"));
    html.text(" features that fire on test speech, ")
        .raw(bound(facts, pointer + "/unnamed_share", "percent0"));
    html.text(" go with nothing measured here (language, silence, loudness); ")
        .raw(bound(facts, pointer + "/states/position-bound", "count"));
    html.text(" hang on the place in the window.").close();
  }
  for (const SaeFiles& sae : run.saes)
    if (sae.categories && !sae.control()) write_named_share(html, *sae.categories, sae.title());
  for (size_t i = 0; i < facts.json->at("controls").size(); ++i) {
    const std::string pointer = "/controls/" + std::to_string(i);
    html.open("li").text("Control, " + facts.json->at("controls")[i]["name"].get<std::string>() +
                         ": of ");
    html.raw(bound(facts, pointer + "/firing", "count"))
        .text(" features, ")
        .raw(bound(facts, pointer + "/unnamed_share", "percent0"));
    html.text(" go with nothing by the same rules (without a shift test).").close();
  }
  html.close();
}

void write_data(Html& html, const RunFiles& run) {
  for (const SaeFiles& sae : run.saes) {
    if (!sae.eval) continue;
    const Document& eval = *sae.eval;
    html.open("p")
        .text("Measured on ")
        .raw(bound(eval, "/rows", "count"))
        .text(" test frames of ")
        .raw(bound(eval, "/items", "count"));
    html.text(" clips in ")
        .raw(bound(eval, "/clusters", "count"))
        .text(" clusters by " + eval.json->value("clusters_by", std::string("?")));
    html.text(". Intervals are 95 % and resample clusters, never frames.").close();
    if (eval.json->value("clusters_by", std::string()) == "prompt")
      html.leaf("p",
                "The corpus has fewer than ten speakers: train and test differ by prompt and share "
                "their voices, nothing can be said about speakers that were not heard, and where a "
                "language has one voice, whatever tells languages apart may tell voices apart.");
    return;
  }
}

void write_limits(Html& html, const RunFiles& run) {
  write_controls_that_win(html, run);
  html.open("ul");
  html.leaf("li", run.findings.contains("otoscope.steer")
                      ? "An association is a count, not a cause: only what was steered was changed."
                      : "An association is a count, not a cause: nothing here was steered.");
  html.leaf(
      "li",
      "Words are marked by the model's own cross-attention, good to some tens of milliseconds; a "
      "frame is 20 ms, and the "
      "encoder sees the whole window, so a feature may fire before or after what it depends on.");
  html.leaf("li",
            "Features called position-bound fire on fewer than half of the same frames when the "
            "clip is placed elsewhere in its window.");
  html.leaf("li", "Explained variance is not health: read KL and error rates beside it.");
  html.leaf("li",
            "The sounds and texts in this page keep the licences of the corpora that they come "
            "from.");
  html.close();
}

}  // namespace otoscope::serve
