#include "features/sound_alike.h"

#include <algorithm>
#include <array>

#include "otoscope/core/text.h"

namespace otoscope::features {
namespace {

struct ClassOf {
  std::string_view symbol;
  char name;
};
constexpr std::array kClasses = {
    ClassOf{"p", 'P'},      ClassOf{"b", 'P'}, ClassOf{"f", 'P'}, ClassOf{"v", 'P'},
    ClassOf{"ɸ", 'P'},      ClassOf{"β", 'P'}, ClassOf{"t", 'T'}, ClassOf{"d", 'T'},
    ClassOf{"θ", 'T'},      ClassOf{"ð", 'T'}, ClassOf{"ʈ", 'T'}, ClassOf{"ɖ", 'T'},
    ClassOf{"s", 'S'},      ClassOf{"z", 'S'}, ClassOf{"ʃ", 'S'}, ClassOf{"ʒ", 'S'},
    ClassOf{"ɕ", 'S'},      ClassOf{"ʑ", 'S'}, ClassOf{"ʂ", 'S'}, ClassOf{"ʐ", 'S'},
    ClassOf{"k", 'K'},      ClassOf{"g", 'K'}, ClassOf{"ɡ", 'K'}, ClassOf{"x", 'K'},
    ClassOf{"ɣ", 'K'},      ClassOf{"q", 'K'}, ClassOf{"χ", 'K'}, ClassOf{"m", 'M'},
    ClassOf{"n", 'N'},      ClassOf{"ŋ", 'N'}, ClassOf{"ɲ", 'N'}, ClassOf{"ɴ", 'N'},
    ClassOf{"\u0303", 'N'}, ClassOf{"r", 'R'}, ClassOf{"ɾ", 'R'}, ClassOf{"ɹ", 'R'},
    ClassOf{"ʁ", 'R'},      ClassOf{"ʀ", 'R'}, ClassOf{"l", 'R'}, ClassOf{"ɫ", 'R'},
    ClassOf{"ʎ", 'R'}};

}  // namespace

std::string sound_skeleton(std::string_view ipa) {
  std::string skeleton;
  bool after_stop = false;
  while (!ipa.empty()) {
    const auto* const found = std::find_if(kClasses.begin(), kClasses.end(), [&](const ClassOf& c) {
      return ipa.substr(0, c.symbol.size()) == c.symbol;
    });
    if (found == kClasses.end()) {
      ipa.remove_prefix(1);
      after_stop = false;
      continue;
    }
    // The stop of an affricate is part of it: "tʃ" is S, and so is "ts".
    if (found->name == 'S' && after_stop && !skeleton.empty()) skeleton.pop_back();
    after_stop = found->symbol == "t" || found->symbol == "d";
    if (skeleton.empty() || skeleton.back() != found->name) skeleton += found->name;
    ipa.remove_prefix(found->symbol.size());
  }
  return skeleton;
}

bool sound_alike(std::string_view a, std::string_view b) {
  const auto longer = static_cast<int>(std::max(a.size(), b.size()));
  return 2 * edit_distance(a, b) <= longer;
}

}  // namespace otoscope::features
