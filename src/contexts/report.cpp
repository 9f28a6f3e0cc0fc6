/// contexts.json as tables for a terminal.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "contexts/tables.h"

namespace otoscope::contexts {
namespace {

using io::OrderedJson;

/// Where nothing was told apart there is no share of it.
bool separated(const OrderedJson& c) {
  const auto level = c.at("verdict").at("level").get<std::string>();
  return level != "none" && level != "no verdict";
}

bool overlap(const OrderedJson& c) { return c.at("nuisances_overlap").get<bool>(); }

TextTable tests_table(const OrderedJson& c) {
  TextTable table;
  const OrderedJson& d = c.at("design");
  table.title = wrapped(
      fmt::format("Can {} be told from {}? ({} + {} items, {} groups{})",
                  c.at("first").get<std::string>(), c.at("second").get<std::string>(),
                  d.at("items")[0].get<int64_t>(), d.at("items")[1].get<int64_t>(),
                  d.at("groups").get<int64_t>(), d.at("paired").get<bool>() ? ", pairs" : ""));
  for (const OrderedJson& leak : d.at("leaks"))
    table.title +=
        "\n" + wrapped(fmt::format(
                   "LEAK: {} common {} ({}), compared by --force", leak.at("count").get<int64_t>(),
                   leak.at("what").get<std::string>(), leak.at("example").get<std::string>()));
  table.rows = {{"from", "AUROC held out", "p", "MMD p", "sources left out", "least"}};
  const auto add = [&](const std::string& name, const OrderedJson& t) {
    const bool whole = t.contains("mmd");
    std::string sources = "-";
    if (whole && t.at("leave_source_out").contains("auroc"))
      sources = estimate(t.at("leave_source_out").at("auroc"));
    table.rows.push_back({name, estimate(t.at("auroc")), p_text(t.at("p")),
                          whole ? p_text(t.at("mmd").at("median").at("p")) : "-", sources,
                          number(t.at("detectable_auroc"), 2)});
  };
  for (const auto& item : c.at("tests").items()) add(item.key(), item.value());
  add("nuisances + model's", c.at("nuisances_and_features"));
  if (c.at("matched_on_nuisances").contains("test"))
    add(fmt::format("{} matched pairs", c.at("matched_on_nuisances").at("pairs").get<int64_t>()),
        c.at("matched_on_nuisances").at("test"));
  const OrderedJson &halves = c.at("controls").at("negative"),
                    &known = c.at("controls").at("positive");
  if (halves.contains("auroc")) add("control: halves", halves);
  if (known.contains("auroc")) add("control: " + known.at("steps").get<std::string>(), known);
  table.note = fmt::format(
      "least: the smallest AUROC found in 80 % of repetitions. Controls: two halves of {0}, which "
      "must not be told apart; {0} with a known change, which must. No p below {1}. Beyond "
      "nuisances alone: {2}.",
      c.at("first").get<std::string>(), p_text(d.at("smallest_p")),
      estimate(c.at("increment_over_nuisances")));
  if (c.contains("over_shuffled_model"))
    table.note += " Beyond the shuffled model: " + estimate(c.at("over_shuffled_model")) + ".";
  if (separated(c))
    table.note += overlap(c) ? " At equal nuisances " +
                                   estimate(c.at("score_at_equal_nuisances").at("share_left")) +
                                   " of what the discriminant says is left."
                             : " Nuisances hardly overlap: none can be held equal.";
  table.note = wrapped(table.note);
  return table;
}

TextTable carried_table(const OrderedJson& c) {
  TextTable table{"How few columns carry it (chosen on training folds)",
                  {{"columns", "alone", "without them"}},
                  {}};
  for (const OrderedJson& one : c.at("carried_by"))
    table.rows.push_back({std::to_string(one.at("columns").get<int64_t>()),
                          estimate(one.at("alone")), estimate(one.at("without"))});
  return table;
}

TextTable features_table(const OrderedJson& c) {
  TextTable table{"Features that give it away", {}, {}};
  table.rows = {{"feature", "difference, sd", "left", "q", "fires", "name"}};
  for (const OrderedJson& f : c.at("features").at("list")) {
    const OrderedJson& equal = f.at("at_equal_nuisances");
    table.rows.push_back(
        {std::to_string(f.at("feature").get<int64_t>()), estimate(equal.at("difference")),
         overlap(c) && f.at("q").get<double>() <= .05
             ? number(equal.at("share_left").at("value"), 2)
             : "-",
         p_text(f.at("q")), number(f.at("firing")[0], 3) + " " + number(f.at("firing")[1], 3),
         shortened(f.at("name").get<std::string>(), 24)});
  }
  table.note = wrapped(fmt::format(
      "{} of {} features differ at q .05, {} at the family-wise 5 % level. left: share of the "
      "difference left at equal nuisances, - where they hardly overlap. fires: share of rows, "
      "first and second.",
      c.at("features").at("q_at_most_.05").get<int64_t>(),
      c.at("features").at("tested").get<int64_t>(),
      c.at("features").at("family_wise_.05").get<int64_t>()));
  return table;
}

TextTable nuisance_table(const OrderedJson& c) {
  TextTable table{"Nuisances", {}, {}};
  table.rows = {{"nuisance", "AUROC", "first", "difference", "q"}};
  for (const OrderedJson& f : c.at("nuisances"))
    table.rows.push_back({f.at("name").get<std::string>(), number(f.at("auroc"), 2),
                          number(f.at("mean_first"), 3), estimate(f.at("difference"), 3),
                          p_text(f.at("q"))});
  return table;
}

TextTable behaviour_table(const OrderedJson& c) {
  const OrderedJson& b = c.at("behaviour");
  TextTable table{"What the model writes (content: " + b.at("content").get<std::string>() + ")",
                  {{"%", "first", "second", "second - first"}},
                  {}};
  const auto add = [&](const char* name, const OrderedJson& shift) {
    if (shift.at("first").at("value").is_number() || shift.at("second").at("value").is_number())
      table.rows.push_back({name, estimate(shift.at("first"), 1, 100),
                            estimate(shift.at("second"), 1, 100),
                            estimate(shift.at("difference"), 1, 100)});
  };
  add("word errors", b.at("wer"));
  add("text, no speech", b.at("text_without_speech"));
  add("empty", b.at("empty"));
  add("looping", b.at("looping"));
  if (c.contains("same_intervention")) {
    add("recipe: word errors", c.at("same_intervention").at("wer_effect"));
    add("recipe: text", c.at("same_intervention").at("text_without_speech_effect"));
    table.note = wrapped("recipe: its effect (with minus without) in each context.");
  }
  return table;
}

TextTable circuits_table(const OrderedJson& c) {
  const OrderedJson& o = c.at("circuits");
  return {wrapped(fmt::format(
              "Is it the same circuit? {} features of {} by attribution to {}, {} + "
              "{} clips",
              o.at("size").get<int>(), o.at("site").get<std::string>(),
              o.at("metric").get<std::string>() == "words" ? "the words' log probability"
                                                           : "text against the end",
              o.at("clips")[0].get<int64_t>(), o.at("clips")[1].get<int64_t>())),
          {{"lists of half of the clips each", "Jaccard"},
           {"halves of the first context", estimate(o.at("within_first"))},
           {"halves of the second", estimate(o.at("within_second"))},
           {"one of the first, one of the second", estimate(o.at("across"))},
           {"lost across contexts", estimate(o.at("lost"))},
           {"random lists of features that fire", number(o.at("chance"), 2)}},
          wrapped(fmt::format("All clips of both: {}. Correlation of effects: {}. An attribution, "
                              "not an exact graph.",
                              number(o.at("all_clips"), 2), number(o.at("correlation"), 2)))};
}

TextTable steering_table(const OrderedJson& c) {
  const OrderedJson& s = c.at("steering");
  TextTable table{wrapped(fmt::format("Moved along what separates them: change of the {}, points",
                                      s.at("behaviour").get<std::string>())),
                  {{"arm", "dose", "moved", "change", "random", "p"}},
                  {}};
  for (const OrderedJson& arm : s.at("arms")) {
    const auto add = [&](const OrderedJson& m, const std::string& random, const std::string& p) {
      table.rows.push_back({arm.at("name").get<std::string>(), number(m.at("dose"), 1),
                            number(m.at("moved"), 2), estimate(m.at("effect"), 1, 100), random, p});
    };
    std::vector<double> sizes;
    for (const OrderedJson& x : arm.at("random_directions"))
      if (x.is_number()) sizes.push_back(100 * x.get<double>());
    std::string random = "-";
    if (!sizes.empty()) {
      const auto [low, high] = std::minmax_element(sizes.begin(), sizes.end());
      random = fmt::format("{:.1f} to {:.1f}", *low, *high);
    }
    for (const OrderedJson& m : arm.at("toward")) {
      const bool whole = m.at("dose").get<double>() == 1;
      add(m, whole ? random : "-", whole ? p_text(arm.at("p")) : "-");
    }
    add(arm.at("back"), "-", "-");
  }
  table.note = wrapped(fmt::format(
      "Dose 1: as far as the contexts' means are apart, at every frame; {} clips of the first, and "
      "at -1 {} of the second moved back, none of them among those that say where to. random: "
      "smallest to largest of {} random directions of the same length.",
      s.at("clips")[0].get<int64_t>(), s.at("clips")[1].get<int64_t>(),
      s.at("arms")[0].at("random_directions").size()));
  return table;
}

TextTable verdict_table(const OrderedJson& c) {
  const OrderedJson& v = c.at("verdict");
  TextTable table{wrapped("Verdict: " + v.at("sentence").get<std::string>()), {}, {}};
  const auto add = [&](const std::string& line) {
    table.note += (table.note.empty() ? "" : "\n") + wrapped("- " + line, 2);
  };
  for (const OrderedJson& reason : v.at("because")) {
    const auto text = reason.get<std::string>();
    if (!text.starts_with("behaviour:") && !text.starts_with("steering:")) add(text);
  }
  // Other questions than whether they can be told apart, never merged with it.
  add("behaviour, by itself: " + v.at("answers").at("behaviour").get<std::string>());
  add("steering, by itself: " + v.at("answers").at("controllability").get<std::string>());
  return table;
}

}  // namespace

std::vector<TextTable> contexts_tables(const OrderedJson& contexts) {
  std::vector<TextTable> tables;
  for (const OrderedJson& c : contexts.at("comparisons")) {
    tables.push_back(tests_table(c));
    if (separated(c) && !c.at("carried_by").empty()) tables.push_back(carried_table(c));
    if (c.contains("features")) tables.push_back(features_table(c));
    tables.push_back(nuisance_table(c));
    if (c.contains("behaviour")) tables.push_back(behaviour_table(c));
    if (c.contains("circuits")) tables.push_back(circuits_table(c));
    if (c.contains("steering")) tables.push_back(steering_table(c));
    tables.push_back(verdict_table(c));
  }
  if (contexts.contains("factorial"))
    for (TextTable& table : factorial_tables(contexts.at("factorial")))
      tables.push_back(std::move(table));
  return tables;
}

}  // namespace otoscope::contexts
