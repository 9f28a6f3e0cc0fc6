#include "cli/parse.h"

#include <set>

#include "otoscope/core/errors.h"

namespace otoscope::cli {

std::vector<std::string> parse_arguments(const std::vector<std::string>& words,
                                         const std::vector<OptionRef>& options) {
  std::vector<std::string> positional;
  std::set<std::string> given;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      positional.insert(positional.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                        words.end());
      break;
    }
    if (word.rfind("--", 0) != 0) {
      positional.push_back(word);
      continue;
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const OptionRef& option = find_option(options, name);
    if (given.insert(name).second) clear_list(option);  // later ones are added
    if (equals != std::string::npos)
      set_option(option, std::string_view(word).substr(equals + 1));
    else if (is_flag(option))
      set_option(option, "true");
    else if (i + 1 < words.size())
      set_option(option, words[++i]);
    else
      throw UserError("--" + name, "expected a value after it, got nothing", option.sentence);
  }
  return positional;
}

}  // namespace otoscope::cli
