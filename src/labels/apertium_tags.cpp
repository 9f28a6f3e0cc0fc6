#include <algorithm>
#include <map>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/labels/analysers.h"

namespace otoscope::embedded {
extern const std::string_view apertium_tags;
}

namespace otoscope::labels {
namespace {

struct Meaning {
  bool part_of_speech = false;
  std::string value;
};

const std::map<std::string, Meaning, std::less<>>& tags() {
  static const auto table = [] {
    std::map<std::string, Meaning, std::less<>> made;
    for (const std::string& line : split(embedded::apertium_tags, '\n')) {
      if (line.empty() || line[0] == '#') continue;
      const auto fields = split(line, '\t');
      OTO_ASSERT(fields.size() == 3);
      made[fields[0]] = {fields[1] == "part", fields[2]};
    }
    return made;
  }();
  return table;
}

const Meaning* meaning_of(std::string_view tag) {
  const auto found = tags().find(tag);
  return found == tags().end() ? nullptr : &found->second;
}

}  // namespace

std::string part_of_speech(const Reading::Part& part) {
  // The first tag is the word's class; the same letters later may say something else (<pr>, <ind>).
  const Meaning* const found = part.tags.empty() ? nullptr : meaning_of(part.tags.front());
  return found != nullptr && found->part_of_speech ? found->value : "";
}

std::vector<std::string> morphemes(const Reading::Part& part) {
  std::vector<std::string> values;
  for (size_t i = 1; i < part.tags.size(); ++i) {
    const Meaning* const found = meaning_of(part.tags[i]);
    if (found == nullptr || found->part_of_speech) continue;
    values.push_back(found->value);
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace otoscope::labels
