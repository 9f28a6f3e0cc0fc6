#include "model/tokenizer/non_speech.h"

#include <set>
#include <string>

namespace otoscope::model {

std::vector<int64_t> find_non_speech_tokens(const Tokenizer& tokenizer) {
  // Hyphen and apostrophe are kept inside words, not at their start.
  std::set<int64_t> found{tokenizer.encode(" -")[0], tokenizer.encode(" '")[0]};
  const auto add = [&](const std::string& symbol, bool first_of_many) {
    for (const std::string& spelling : {symbol, " " + symbol}) {
      const std::vector<int64_t> ids = tokenizer.encode(spelling);
      if (ids.size() == 1 || first_of_many) found.insert(ids[0]);
    }
  };
  for (const char* symbol : {"\"",
                             "#",
                             "(",
                             ")",
                             "*",
                             "+",
                             "/",
                             ":",
                             ";",
                             "<",
                             "=",
                             ">",
                             "@",
                             "[",
                             "\\",
                             "]",
                             "^",
                             "_",
                             "`",
                             "{",
                             "|",
                             "}",
                             "~",
                             "\u300c",
                             "\u300d",
                             "\u300e",
                             "\u300f",
                             "<<",
                             ">>",
                             "<<<",
                             ">>>",
                             "--",
                             "---",
                             "-(",
                             "-[",
                             "('",
                             "(\"",
                             "((",
                             "))",
                             "(((",
                             ")))",
                             "[[",
                             "]]",
                             "{{",
                             "}}",
                             "\u266a\u266a",
                             "\u266a\u266a\u266a"})
    add(symbol, false);
  // Notes and accidentals begin with bytes that no spoken symbol has, so where they take several
  // tokens the first goes.
  for (const char* note : {"\u2669", "\u266a", "\u266b", "\u266c", "\u266d", "\u266e", "\u266f"})
    add(note, true);
  return {found.begin(), found.end()};
}

}  // namespace otoscope::model
