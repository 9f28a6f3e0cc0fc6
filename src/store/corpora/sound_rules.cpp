#include "store/corpora/sound_rules.h"

#include <fmt/core.h>
#include <fnmatch.h>

#include <filesystem>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"

namespace otoscope::store {

std::vector<SoundRule> parse_sound_rules(std::string_view table) {
  std::vector<SoundRule> rules;
  int number = 0;
  bool head = true;
  for (const std::string& line : split(table, '\n')) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> cells = split(line, '\t');
    if (cells.size() != 5)
      throw UserError(fmt::format("nonspeech.tsv:{}", number),
                      fmt::format("expected 5 columns, got {}", cells.size()));
    if (!head) rules.push_back({cells[0], cells[1], cells[2], cells[3], cells[4]});
    head = false;
  }
  return rules;
}

const SoundRule* rule_for(const std::vector<SoundRule>& rules, const std::string& package,
                          const std::string& file) {
  for (const SoundRule& rule : rules)
    if (rule.package == package && ::fnmatch(rule.files.c_str(), file.c_str(), 0) == 0)
      return &rule;
  return nullptr;
}

std::string source_of(const SoundRule& rule, const std::string& file) {
  if (rule.source != "=" && rule.source != "~") return rule.package + "/" + rule.source;
  std::string stem = std::filesystem::path(file).stem().string();
  if (rule.source == "~")
    while (!stem.empty() && stem.back() >= '0' && stem.back() <= '9') stem.pop_back();
  return rule.package + "/" + stem;
}

}  // namespace otoscope::store
