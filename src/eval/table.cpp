#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "otoscope/eval/report.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::eval {
namespace {

using io::OrderedJson;

std::string number(const OrderedJson& json, int digits) {
  return json.is_number() ? fmt::format("{:.{}f}", json.get<double>(), digits) : "-";
}

std::string percent(const OrderedJson& e) {
  return e.at("value").is_number() ? fmt::format("{:.1f}", 100 * e.at("value").get<double>()) : "-";
}

std::string wer_of(const OrderedJson& spliced) {
  if (!spliced.at("decoded").get<bool>()) return "-";
  return spliced.at("no_speech_left").get<bool>() ? "no speech left" : percent(spliced.at("wer"));
}

void add_spliced(const OrderedJson& spliced, std::vector<std::string>& cells) {
  if (spliced.is_null()) {
    cells.insert(cells.end(), {"-", "-", "-"});
    return;
  }
  cells.push_back(number(spliced.at("ce_difference").at("value"), 3));
  cells.push_back(number(spliced.at("kl").at("value"), 3));
  cells.push_back(wer_of(spliced));
}

}  // namespace

std::vector<std::vector<std::string>> eval_table(const OrderedJson& eval) {
  const bool spliced = !eval.at("spliced").is_null();
  std::vector<std::vector<std::string>> rows{{"", "FVU [95 %]", "speech", "L0", "dead"}};
  if (spliced) rows[0].insert(rows[0].end(), {"dCE", "KL", "WER %"});
  const auto add = [&](const std::string& name, const OrderedJson& fidelity,
                       const OrderedJson& splice) {
    const bool sparse = !fidelity.is_null() && fidelity.at("features").get<int64_t>() > 0;
    std::vector<std::string> cells{
        name.size() <= 18 ? name : fmt::format("{:.17}~", name),
        fidelity.is_null() ? "-" : io::with_interval(fidelity.at("fvu"), 3),
        fidelity.is_null() || fidelity.at("speech").is_null()
            ? "-"
            : number(fidelity.at("speech").at("fvu").at("value"), 3),
        fidelity.is_null() ? "-" : number(fidelity.at("l0").at("value"), 1),
        sparse ? fmt::format("{:.1f} %", 100 * fidelity.at("dead").get<double>()) : "-"};
    if (spliced) add_spliced(splice, cells);
    rows.push_back(std::move(cells));
  };
  if (spliced) add("the model itself", nullptr, eval.at("spliced").at("clean"));
  for (const OrderedJson& row : eval.at("table")) {
    add(row.at("name").get<std::string>(), row.at("fidelity"), row.at("spliced"));
    const OrderedJson& batch = eval.at("batch_mode");
    if (rows.size() > (spliced ? 3U : 2U) || batch.is_null()) continue;
    std::vector<std::string> cells(rows[0].size(), "-");
    cells[0] = "  in batch mode";
    cells[1] = io::with_interval(batch.at("fvu"), 3);
    cells[3] = number(batch.at("l0").at("value"), 1);
    rows.push_back(std::move(cells));
  }
  for (const OrderedJson& row : eval.at("also"))
    add("  " + row.at("name").get<std::string>(), row.at("fidelity"), nullptr);
  return rows;
}

}  // namespace otoscope::eval
