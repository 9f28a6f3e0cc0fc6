#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "model/text/numbers.h"
#include "model/text/rewrite.h"
#include "model/text/symbols.h"
#include "model/text/unicode.h"
#include "otoscope/model/normalizer.h"

namespace otoscope::embedded {
extern const std::string_view british_american;  // src/model/data/british_american.tsv
}

namespace otoscope::model {
namespace {

using Pair = std::pair<std::u32string_view, std::u32string_view>;

/// Whole words, in this order.
constexpr Pair kWords[] = {
    {U"won't", U"will not"},      {U"can't", U"can not"},     {U"let's", U"let us"},
    {U"ain't", U"aint"},          {U"y'all", U"you all"},     {U"wanna", U"want to"},
    {U"gotta", U"got to"},        {U"gonna", U"going to"},    {U"i'ma", U"i am going to"},
    {U"imma", U"i am going to"},  {U"woulda", U"would have"}, {U"coulda", U"could have"},
    {U"shoulda", U"should have"}, {U"ma'am", U"madam"},       {U"mr", U"mister "},
    {U"mrs", U"missus "},         {U"st", U"saint "},         {U"dr", U"doctor "},
    {U"prof", U"professor "},     {U"capt", U"captain "},     {U"gov", U"governor "},
    {U"ald", U"alderman "},       {U"gen", U"general "},      {U"sen", U"senator "},
    {U"rep", U"representative "}, {U"pres", U"president "},   {U"rev", U"reverend "},
    {U"hon", U"honorable "},      {U"asst", U"assistant "},   {U"assoc", U"associate "},
    {U"lt", U"lieutenant "},      {U"col", U"colonel "},      {U"jr", U"junior "},
    {U"sr", U"senior "},          {U"esq", U"esquire "}};

/// Ends of words, after the words above.
constexpr Pair kEndings[] = {{U"'d been", U" had been"},
                             {U"'s been", U" has been"},
                             {U"'d gone", U" had gone"},
                             {U"'s gone", U" has gone"},
                             {U"'d done", U" had done"},
                             {U"'s got", U" has got"},
                             {U"n't", U" not"},
                             {U"'re", U" are"},
                             {U"'s", U" is"},
                             {U"'d", U" would"},
                             {U"'ll", U" will"},
                             {U"'t", U" not"},
                             {U"'ve", U" have"},
                             {U"'m", U" am"}};

const std::unordered_map<std::string, std::string>& american_spellings() {
  static const std::unordered_map<std::string, std::string> table = [] {
    std::unordered_map<std::string, std::string> pairs;
    const std::string_view file = embedded::british_american;
    for (size_t begin = 0; begin < file.size();) {
      const size_t end = std::min(file.find('\n', begin), file.size());
      const std::string_view line = file.substr(begin, end - begin);
      if (const size_t tab = line.find('\t'); tab != line.npos && line[0] != '#')
        pairs.emplace(line.substr(0, tab), line.substr(tab + 1));
      begin = end + 1;
    }
    return pairs;
  }();
  return table;
}

std::u32string spell_american(std::u32string_view text) {
  std::string out;
  for (const std::u32string& word : text::split_words(text)) {
    if (!out.empty()) out += ' ';
    const std::string utf8 = text::to_utf8(word);
    const auto found = american_spellings().find(utf8);
    out += found == american_spellings().end() ? utf8 : found->second;
  }
  return text::from_utf8(out);
}

}  // namespace

std::string normalize_english(std::string_view utf8) {
  std::u32string s = text::drop_brackets(text::lower(text::from_utf8(utf8)));
  for (const std::u32string_view filler : {U"hmm", U"mm", U"mhm", U"mmm", U"uh", U"um"})
    s = text::replace_word(s, filler, U"");
  s = text::join_apostrophes(s);
  for (const auto& [from, to] : kWords) s = text::replace_word(s, from, to);
  for (const auto& [from, to] : kEndings) s = text::replace_word(s, from, to, false);
  s = text::drop_digit_commas(s);
  s = text::drop_symbols_before_text(s, U".", true);
  s = text::remove_symbols_and_diacritics(s, U".%$\u00a2\u20ac\u00a3");
  s = spell_american(text::numbers_to_digits(s));
  s = text::drop_symbols_before_text(s, U".$\u00a2\u20ac\u00a3", false);
  s = text::drop_percent_after_text(s);
  return text::to_utf8(text::collapse_spaces(s));
}

}  // namespace otoscope::model
