#include <array>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/text.h"
#include "otoscope/labels/spoken.h"

namespace otoscope::embedded {
extern const std::string_view spoken_sentences;
}

namespace otoscope::labels {
namespace {

constexpr std::array<std::string_view, 4> kParts = {"who", "does", "where", "when"};

struct Table {
  std::vector<std::string> languages;
  std::map<std::string, std::vector<std::vector<std::string>>, std::less<>> rows;  // by part
};

Table read_table() {
  Table table;
  for (const std::string& line : split(embedded::spoken_sentences, '\n')) {
    if (line.empty()) continue;
    std::vector<std::string> cells = split(line, '\t');
    const std::string part = cells.front();
    cells.erase(cells.begin());
    if (part == "part")
      table.languages = cells;
    else
      table.rows[part].push_back(cells);
    OTO_ASSERT(cells.size() == table.languages.size());
  }
  return table;
}

}  // namespace

std::vector<Sentence> made_sentences(int count, uint64_t seed) {
  static const Table table = read_table();
  int64_t all = 1;
  for (const std::string_view part : kParts)
    all *= static_cast<int64_t>(table.rows.find(part)->second.size());
  if (count < 0 || count > all)
    throw UserError("sentences", fmt::format("expected 0 to {}, got {}", all, count));
  std::vector<Sentence> sentences;
  const std::vector<int64_t> order = Rng(seed, "spoken sentences").permutation(all);
  for (int i = 0; i < count; ++i) {
    std::vector<std::string> texts(table.languages.size());
    int64_t rest = order[static_cast<size_t>(i)];
    for (const std::string_view part : kParts) {
      const auto& rows = table.rows.find(part)->second;
      const auto& row = rows[static_cast<size_t>(rest) % rows.size()];
      rest /= static_cast<int64_t>(rows.size());
      for (size_t l = 0; l < texts.size(); ++l) texts[l] += (texts[l].empty() ? "" : " ") + row[l];
    }
    for (size_t l = 0; l < texts.size(); ++l)
      sentences.push_back({fmt::format("made-{:04}", order[static_cast<size_t>(i)]),
                           table.languages[l], texts[l] + "."});
  }
  return sentences;
}

}  // namespace otoscope::labels
