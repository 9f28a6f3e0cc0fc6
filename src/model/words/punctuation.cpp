#include <algorithm>

#include "model/text/unicode.h"
#include "model/words/alignment.h"

namespace otoscope::model {
namespace {

bool part_of(std::string_view marks, std::string_view word) {
  return marks.find(word) != std::string_view::npos;  // the empty word too, as in Python
}

void absorb(AlignedWord& into, AlignedWord& from, bool before) {
  into.text = before ? from.text + into.text : into.text + from.text;
  into.tokens.insert(before ? into.tokens.begin() : into.tokens.end(), from.tokens.begin(),
                     from.tokens.end());
  from.text.clear();
  from.tokens.clear();
}

}  // namespace

void merge_punctuation(std::vector<AlignedWord>& words, std::string_view prepended,
                       std::string_view appended) {
  if (words.empty()) return;
  size_t following = words.size() - 1;
  for (size_t i = words.size() - 1; i-- > 0;) {
    const std::string& text = words[i].text;
    if (text.rfind(' ', 0) == 0 && part_of(prepended, text::strip(text)))
      absorb(words[following], words[i], true);
    else
      following = i;
  }
  size_t previous = 0;
  for (size_t j = 1; j < words.size(); ++j) {
    const std::string& text = words[previous].text;
    if ((text.empty() || text.back() != ' ') && part_of(appended, words[j].text))
      absorb(words[previous], words[j], false);
    else
      previous = j;
  }
}

double limit_sentence_ends(std::vector<AlignedWord>& words) {
  std::vector<double> durations;
  for (const AlignedWord& word : words)
    if (word.end != word.start) durations.push_back(word.end - word.start);
  if (durations.empty()) return 0;
  std::sort(durations.begin(), durations.end());
  const size_t n = durations.size();
  const double median =
      std::min(0.7, n % 2 == 1 ? durations[n / 2] : (durations[n / 2 - 1] + durations[n / 2]) / 2);
  constexpr std::string_view kEnds = ".\u3002!\uff01?\uff1f";
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i].end - words[i].start <= 2 * median) continue;
    if (part_of(kEnds, words[i].text))
      words[i].end = words[i].start + 2 * median;
    else if (part_of(kEnds, words[i - 1].text))
      words[i].start = words[i].end - 2 * median;
  }
  return median;
}

}  // namespace otoscope::model
