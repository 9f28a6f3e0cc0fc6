#include "otoscope/model/languages.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"

namespace otoscope::model {
namespace {

constexpr std::array<Language, 100> kLanguages{
    {{"en", "english"},     {"zh", "chinese"},    {"de", "german"},
     {"es", "spanish"},     {"ru", "russian"},    {"ko", "korean"},
     {"fr", "french"},      {"ja", "japanese"},   {"pt", "portuguese"},
     {"tr", "turkish"},     {"pl", "polish"},     {"ca", "catalan"},
     {"nl", "dutch"},       {"ar", "arabic"},     {"sv", "swedish"},
     {"it", "italian"},     {"id", "indonesian"}, {"hi", "hindi"},
     {"fi", "finnish"},     {"vi", "vietnamese"}, {"he", "hebrew"},
     {"uk", "ukrainian"},   {"el", "greek"},      {"ms", "malay"},
     {"cs", "czech"},       {"ro", "romanian"},   {"da", "danish"},
     {"hu", "hungarian"},   {"ta", "tamil"},      {"no", "norwegian"},
     {"th", "thai"},        {"ur", "urdu"},       {"hr", "croatian"},
     {"bg", "bulgarian"},   {"lt", "lithuanian"}, {"la", "latin"},
     {"mi", "maori"},       {"ml", "malayalam"},  {"cy", "welsh"},
     {"sk", "slovak"},      {"te", "telugu"},     {"fa", "persian"},
     {"lv", "latvian"},     {"bn", "bengali"},    {"sr", "serbian"},
     {"az", "azerbaijani"}, {"sl", "slovenian"},  {"kn", "kannada"},
     {"et", "estonian"},    {"mk", "macedonian"}, {"br", "breton"},
     {"eu", "basque"},      {"is", "icelandic"},  {"hy", "armenian"},
     {"ne", "nepali"},      {"mn", "mongolian"},  {"bs", "bosnian"},
     {"kk", "kazakh"},      {"sq", "albanian"},   {"sw", "swahili"},
     {"gl", "galician"},    {"mr", "marathi"},    {"pa", "punjabi"},
     {"si", "sinhala"},     {"km", "khmer"},      {"sn", "shona"},
     {"yo", "yoruba"},      {"so", "somali"},     {"af", "afrikaans"},
     {"oc", "occitan"},     {"ka", "georgian"},   {"be", "belarusian"},
     {"tg", "tajik"},       {"sd", "sindhi"},     {"gu", "gujarati"},
     {"am", "amharic"},     {"yi", "yiddish"},    {"lo", "lao"},
     {"uz", "uzbek"},       {"fo", "faroese"},    {"ht", "haitian creole"},
     {"ps", "pashto"},      {"tk", "turkmen"},    {"nn", "nynorsk"},
     {"mt", "maltese"},     {"sa", "sanskrit"},   {"lb", "luxembourgish"},
     {"my", "myanmar"},     {"bo", "tibetan"},    {"tl", "tagalog"},
     {"mg", "malagasy"},    {"as", "assamese"},   {"tt", "tatar"},
     {"haw", "hawaiian"},   {"ln", "lingala"},    {"ha", "hausa"},
     {"ba", "bashkir"},     {"jw", "javanese"},   {"su", "sundanese"},
     {"yue", "cantonese"}}};

// Other names in use, as code and name.
constexpr std::array<Language, 12> kOtherNames{{{"my", "burmese"},
                                                {"ca", "valencian"},
                                                {"nl", "flemish"},
                                                {"ht", "haitian"},
                                                {"lb", "letzeburgesch"},
                                                {"ps", "pushto"},
                                                {"pa", "panjabi"},
                                                {"ro", "moldavian"},
                                                {"ro", "moldovan"},
                                                {"si", "sinhalese"},
                                                {"es", "castilian"},
                                                {"zh", "mandarin"}}};

}  // namespace

std::span<const Language> languages() { return kLanguages; }

std::string language_code(std::string_view text) {
  std::string wanted(trimmed(text));
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::vector<std::string> known;
  for (const std::span<const Language> list :
       {std::span<const Language>(kLanguages), std::span<const Language>(kOtherNames)})
    for (const Language& language : list) {
      if (wanted == language.name || (list.data() == kLanguages.data() && wanted == language.code))
        return std::string(language.code);
      known.emplace_back(language.name);
    }
  throw UserError("--language", "expected a language that Whisper knows, got " + std::string(text),
                  "nearest: " + join(nearest_names(wanted, known)));
}

bool written_without_spaces(std::string_view code) {
  for (const std::string_view other : {"zh", "ja", "th", "lo", "my", "yue"})
    if (code == other) return true;
  return false;
}

}  // namespace otoscope::model
