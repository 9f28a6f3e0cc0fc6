/// The tables of a suppress.json.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "otoscope/steer/suppress.h"
#include "steer/suppress/shortened.h"

namespace otoscope::steer {
namespace {

using io::OrderedJson;

double number(const OrderedJson& json) {
  return json.is_number() ? json.get<double>() : std::nan("");
}

/// "61.2 [54.0, 68.1]"
std::string percent(const OrderedJson& estimate, int digits = 1) {
  const double value = 100 * number(estimate["value"]);
  if (!std::isfinite(value)) return "-";
  const double low = 100 * number(estimate["low"]), high = 100 * number(estimate["high"]);
  if (!std::isfinite(low)) return fmt::format("{:.{}f}", value, digits);
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", value, digits, low, digits, high, digits);
}

TextTable measured(const OrderedJson& json) {
  TextTable table{"Windows without speech in which the model writes text, %", {}, {}};
  table.rows.push_back({"language token", "windows", "sources", "text", "after its own filter"});
  for (const char* how : {"forced", "detected"}) {
    if (!json.contains(how)) continue;
    const OrderedJson& one = json[how];
    const OrderedJson& raw = one["raw"]["by_source"];
    table.rows.push_back({std::string(how) == "forced" ? one["language"].get<std::string>() : how,
                          raw["n"].dump(), raw["clusters"].dump(), percent(raw),
                          percent(one["filtered"]["by_source"])});
  }
  std::string texts;
  size_t listed = 0;
  for (const OrderedJson& text : json["forced"]["texts"]) {
    if (listed++ == 6) break;
    texts +=
        fmt::format("{}\"{}\" {}", texts.empty() ? "" : ", ",
                    shortened(text["text"].get<std::string>(), 30), text["windows"].get<int64_t>());
  }
  table.note = "most frequent: " + texts;
  return table;
}

TextTable detectors(const OrderedJson& question) {
  TextTable table{"What foretells: " + question["question"].get<std::string>(), {}, {}};
  if (!question["answered"].get<bool>()) {
    table.note = "not answered: " + question["why_not"].get<std::string>();
    return table;
  }
  table.rows.push_back({"detector", "numbers", "AUROC on test"});
  for (const OrderedJson& row : question["detectors"]) {
    const OrderedJson& auroc = row["auroc"];
    table.rows.push_back({row["name"].get<std::string>(), row["numbers"].dump(),
                          fmt::format("{:.3f} [{:.3f}, {:.3f}]", number(auroc["value"]),
                                      number(auroc["low"]), number(auroc["high"]))});
  }
  const OrderedJson& test = question["windows"]["test"];
  table.note =
      fmt::format("test: {} of {} windows, prevalence {:.2f}", test["positive"].get<int64_t>(),
                  test["positive"].get<int64_t>() + test["negative"].get<int64_t>(),
                  number(test["prevalence"]));
  return table;
}

TextTable recipes(const OrderedJson& rows) {
  TextTable table{"What silences it, and what that costs on speech, %", {}, {}};
  table.rows.push_back(
      {"", "text on test sounds", "filtered", "rise of WER", "emptied", "words", "no harm"});
  for (const OrderedJson& row : rows) {
    const OrderedJson& speech = row["speech"];
    table.rows.push_back(
        {row["name"].get<std::string>(), percent(row["sounds"]["raw"]["by_source"]),
         percent(row["sounds"]["filtered"]["by_source"]), percent(speech["rise"], 2),
         percent(speech["emptied"], 2), speech["words"].dump(),
         speech["shown"].get<bool>() ? "shown" : "not shown"});
  }
  if (!rows.empty()) {
    const OrderedJson& clean = rows[0]["speech"];
    table.note = "WER of the model as it is: " + percent(clean["clean_wer"]);
    const OrderedJson& needed =
        rows.size() > 2 ? rows[2]["speech"]["words_for_0.3_points"] : OrderedJson();
    table.note += needed.is_number()
                      ? fmt::format("; a bound of +0.3 for the recipe needs about {:.0f} words",
                                    needed.get<double>())
                      : "; no number of words would bring the recipe's bound to +0.3";
  }
  return table;
}

TextTable edits(const OrderedJson& search) {
  TextTable table{"Features scaled at every frame, on train and dev", {}, {}};
  table.rows.push_back({"edit", "dose", "sounds with text", "speech changed", "emptied"});
  const OrderedJson& always = search["always_on"];
  for (const OrderedJson& row : always["fine"])
    table.rows.push_back(
        {row["name"].get<std::string>(), fmt::format("{:.3f}", number(row["dose"])),
         fmt::format("{} of {}", row["with_text"].get<int64_t>(), row["sounds"].get<int64_t>()),
         fmt::format("{} of {}", row["speech_changed"].get<int64_t>(),
                     row["speech"].get<int64_t>()),
         row["speech_emptied"].dump()});
  for (const char* kind : {"random_features", "random_directions"}) {
    int64_t most = 0, least = -1, windows = 0;
    for (const OrderedJson& row : always[kind]) {
      const auto wrote = row["with_text"].get<int64_t>();
      most = std::max(most, wrote);
      least = least < 0 ? wrote : std::min(least, wrote);
      windows = row["sounds"].get<int64_t>();
    }
    if (least >= 0)
      table.note += fmt::format(
          "{}{} {} of that dose leave text on {} to {} of {}", table.note.empty() ? "" : "; ",
          always[kind].size(),
          kind == std::string("random_features") ? "like features" : "random directions", least,
          most, windows);
  }
  return table;
}

TextTable mixtures(const OrderedJson& mixed) {
  TextTable table{"Speech with a test sound under it: share of clips silenced, %", {}, {}};
  if (!mixed["measured"].get<bool>()) return table;
  table.rows.push_back({"", "10 dB", "0 dB", "-10 dB"});
  for (const OrderedJson& row : mixed["systems"]) {
    std::vector<std::string> cells{row["name"].get<std::string>()};
    for (const OrderedJson& ratio : row["by_ratio"]) cells.push_back(percent(ratio["lost"], 0));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace

std::vector<TextTable> suppress_tables(const OrderedJson& result) {
  std::vector<TextTable> tables{measured(result["measurement"])};
  for (const OrderedJson& question : result["questions"]) tables.push_back(detectors(question));
  tables.push_back(edits(result["search"]));
  tables.push_back(recipes(result["table"]));
  if (result["mixed"]["measured"].get<bool>()) tables.push_back(mixtures(result["mixed"]));
  return tables;
}

}  // namespace otoscope::steer
