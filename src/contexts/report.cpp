/// contexts.json as tables for a terminal.
#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/contexts/compare.h"
#include "otoscope/io/json.h"

namespace otoscope::contexts {
namespace {

using io::OrderedJson;

std::string number(const OrderedJson& json, int digits = 3) {
  return json.is_number() ? fmt::format("{:.{}f}", json.get<double>(), digits) : "-";
}
std::string p_text(const OrderedJson& json) {
  return json.is_number() ? fmt::format("{:.3g}", json.get<double>()) : "-";
}
std::string estimate(const OrderedJson& e, int digits = 3) {
  if (!e.at("value").is_number()) return "-";
  return fmt::format("{} [{}, {}]", number(e.at("value"), digits), number(e.at("low"), digits),
                     number(e.at("high"), digits));
}

TextTable tests_table(const OrderedJson& c) {
  TextTable table;
  const OrderedJson& d = c.at("design");
  table.title =
      fmt::format("Can {} be told from {}? ({} + {} items, {} groups{})",
                  c.at("first").get<std::string>(), c.at("second").get<std::string>(),
                  d.at("items")[0].get<int64_t>(), d.at("items")[1].get<int64_t>(),
                  d.at("groups").get<int64_t>(), d.at("paired").get<bool>() ? ", pairs" : "");
  table.rows = {{"from", "AUROC held out", "p", "MMD p", "sources left out", "detectable"}};
  const auto add = [&](const std::string& name, const OrderedJson& t) {
    const bool whole = t.contains("mmd");
    std::string sources = "-";
    if (whole && t.at("leave_source_out").contains("auroc"))
      sources = estimate(t.at("leave_source_out").at("auroc"), 2);
    table.rows.push_back({name, estimate(t.at("auroc"), 2), p_text(t.at("p")),
                          whole ? p_text(t.at("mmd").at("median").at("p")) : "-", sources,
                          number(t.at("detectable_auroc"), 2)});
  };
  for (const auto& item : c.at("tests").items()) add(item.key(), item.value());
  add("features + nuisances", c.at("nuisances_and_features"));
  if (c.at("matched_on_nuisances").contains("test"))
    add("matched on nuisances", c.at("matched_on_nuisances").at("test"));
  for (const char* control : {"negative", "positive"})
    if (const OrderedJson& t = c.at("controls").at(control); t.contains("auroc"))
      add(std::string("control: ") + t.at("what").get<std::string>(), t);
  table.note =
      fmt::format("Over nuisances alone: {}. Smallest p that can be reached: {}.",
                  estimate(c.at("increment_over_nuisances"), 3), p_text(d.at("smallest_p")));
  if (c.contains("over_shuffled_model"))
    table.note += " Over the shuffled model: " + estimate(c.at("over_shuffled_model"), 3) + ".";
  return table;
}

TextTable features_table(const OrderedJson& c) {
  TextTable table{"Features that give it away", {}, {}};
  table.rows = {{"feature", "name", "AUROC", "difference", "q", "fires, first", "second"}};
  for (const OrderedJson& f : c.at("features").at("list"))
    table.rows.push_back({std::to_string(f.at("feature").get<int64_t>()),
                          f.at("name").get<std::string>(), number(f.at("auroc"), 2),
                          estimate(f.at("difference")), p_text(f.at("q")),
                          number(f.at("firing")[0]), number(f.at("firing")[1])});
  table.note = fmt::format("{} of {} features differ at q .05, {} at the family-wise 5 % level.",
                           c.at("features").at("q_at_most_.05").get<int64_t>(),
                           c.at("features").at("tested").get<int64_t>(),
                           c.at("features").at("family_wise_.05").get<int64_t>());
  return table;
}

TextTable nuisance_table(const OrderedJson& c) {
  TextTable table{"Nuisances", {}, {}};
  table.rows = {{"nuisance", "AUROC", "first", "difference", "q"}};
  for (const OrderedJson& f : c.at("nuisances"))
    table.rows.push_back({f.at("name").get<std::string>(), number(f.at("auroc"), 2),
                          number(f.at("mean_first")), estimate(f.at("difference")),
                          p_text(f.at("q"))});
  return table;
}

TextTable behaviour_table(const OrderedJson& c) {
  const OrderedJson& b = c.at("behaviour");
  TextTable table{"What the model writes (content: " + b.at("content").get<std::string>() + ")",
                  {{"rate", "first", "second", "difference"}},
                  {}};
  const auto add = [&](const char* name, const OrderedJson& shift) {
    if (shift.at("first").at("value").is_number() || shift.at("second").at("value").is_number())
      table.rows.push_back({name, estimate(shift.at("first"), 4), estimate(shift.at("second"), 4),
                            estimate(shift.at("difference"), 4)});
  };
  add("word error rate", b.at("wer"));
  add("text without speech", b.at("text_without_speech"));
  add("empty", b.at("empty"));
  add("looping", b.at("looping"));
  if (c.contains("same_intervention")) {
    add("recipe's effect on WER", c.at("same_intervention").at("wer_effect"));
    add("recipe's effect on text without speech",
        c.at("same_intervention").at("text_without_speech_effect"));
  }
  return table;
}

}  // namespace

std::vector<TextTable> contexts_tables(const OrderedJson& contexts) {
  std::vector<TextTable> tables;
  for (const OrderedJson& c : contexts.at("comparisons")) {
    tables.push_back(tests_table(c));
    if (c.contains("features")) tables.push_back(features_table(c));
    tables.push_back(nuisance_table(c));
    if (c.contains("behaviour")) tables.push_back(behaviour_table(c));
    const OrderedJson& v = c.at("verdict");
    TextTable verdict{"Verdict: " + v.at("sentence").get<std::string>(), {}, {}};
    for (const OrderedJson& reason : v.at("because"))
      verdict.note += (verdict.note.empty() ? "" : "\n") + ("- " + reason.get<std::string>());
    tables.push_back(std::move(verdict));
  }
  return tables;
}

}  // namespace otoscope::contexts
