#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::store {

/// A row of src/store/data/nonspeech.tsv.
struct SoundRule {
  std::string package, files, kind, source, licence;
};

/// Broken rows: UserError with the line.
std::vector<SoundRule> parse_sound_rules(std::string_view table);
/// The first rule for a file (path below usr/share), or null.
const SoundRule* rule_for(const std::vector<SoundRule>& rules, const std::string& package,
                          const std::string& file);
/// The cluster that a file belongs to: "lmms-common/kick".
std::string source_of(const SoundRule& rule, const std::string& file);

}  // namespace otoscope::store
