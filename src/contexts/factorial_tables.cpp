#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "contexts/tables.h"

namespace otoscope::contexts {
namespace {

using io::OrderedJson;

TextTable told_table(const OrderedJson& f) {
  TextTable table{
      wrapped(fmt::format("Content x recording ({} + {} clips, each in both)",
                          f.at("clips")[0].get<int64_t>(), f.at("clips")[1].get<int64_t>())),
      {{"AUROC of", "by", "at the first", "at the second", "1st > 2nd", "2nd > 1st"}},
      {}};
  for (const OrderedJson& leak : f.at("shared"))
    table.title += "\n" + wrapped(fmt::format("Contents share {} {} ({}), compared by --force",
                                              leak.at("count").get<int64_t>(),
                                              leak.at("what").get<std::string>(),
                                              leak.at("example").get<std::string>()));
  for (const char* factor : {"content", "recording"})
    for (const auto& item : f.at("tables").items()) {
      const OrderedJson& t = item.value().at(factor);
      table.rows.push_back({factor, item.key(), estimate(t.at("within")[0]),
                            estimate(t.at("within")[1]), number(t.at("across")[0].at("value"), 2),
                            number(t.at("across")[1].at("value"), 2)});
    }
  table.note = wrapped(
      "Content told at the first and the second recording, trained at one and tested at the other "
      "(clips of other groups); recording likewise over contents. Across as within: what tells "
      "one factor has nothing to do with the other.");
  return table;
}

TextTable effects_table(const OrderedJson& f) {
  TextTable table{"Effects: columns of the model (q .05), and the rate in points",
                  {{"effect", "columns", "largest, sd", "rate"}},
                  {}};
  for (const char* effect : {"content", "recording", "content x recording"}) {
    const OrderedJson& c = f.at("columns").at(effect);
    std::string largest = "-";
    if (!c.at("list").empty()) {
      const OrderedJson& first = c.at("list")[0];
      largest = fmt::format("{} ({})", number(first.at("standardised"), 2),
                            first.at("column").get<int64_t>());
    }
    table.rows.push_back(
        {effect,
         fmt::format("{} of {}", c.at("q_at_most_.05").get<int64_t>(),
                     c.at("tested").get<int64_t>()),
         largest, f.contains("behaviour") ? estimate(f.at("behaviour").at(effect), 1, 100) : "-"});
  }
  if (!f.contains("behaviour")) return table;
  const OrderedJson& b = f.at("behaviour");
  table.note = b.at("rate").get<std::string>() + ", %:";
  for (size_t c = 0; c < 2; ++c)
    for (size_t r = 0; r < 2; ++r)
      table.note += fmt::format("\n  {}: {}", f.at("contents")[c][r].get<std::string>(),
                                estimate(b.at("cells")[c][r], 1, 100));
  return table;
}

}  // namespace

std::vector<TextTable> factorial_tables(const OrderedJson& factorial) {
  return {told_table(factorial), effects_table(factorial)};
}

}  // namespace otoscope::contexts
