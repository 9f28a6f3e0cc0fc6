#include <algorithm>
#include <set>

#include "labels/known.h"
#include "otoscope/core/errors.h"
#include "otoscope/labels/analysers.h"
#include "otoscope/model/normalizer.h"

namespace otoscope::labels {
namespace {

using audio::LabelKind;
using audio::Track;

constexpr size_t kLongest = 4096;  // letters of a text; the comparison grows with the square

/// The letters and digits of a word, by which both sides are compared.
std::string letters_of(const std::string& word) {
  std::string letters = model::normalize_basic(word);
  letters.erase(std::remove(letters.begin(), letters.end(), ' '), letters.end());
  return letters;
}

/// All letters in a row, and whose each is.
template <class List, class Spelling>
std::pair<std::string, std::vector<int32_t>> strung(const List& list, Spelling&& spelling) {
  std::pair<std::string, std::vector<int32_t>> out;
  for (size_t i = 0; i < list.size(); ++i) {
    out.first += letters_of(spelling(list[i]));
    out.second.resize(out.first.size(), static_cast<int32_t>(i));
  }
  return out;
}

/// For each letter of a the place in b it is matched with in a longest common subsequence, or -1.
std::vector<int32_t> matched(const std::string& a, const std::string& b) {
  std::vector<int32_t> place(a.size(), -1);
  if (a == b) {
    for (size_t i = 0; i < a.size(); ++i) place[i] = static_cast<int32_t>(i);
    return place;
  }
  if (a.size() > kLongest || b.size() > kLongest) return place;
  const size_t width = b.size() + 1;
  std::vector<uint16_t> longest((a.size() + 1) * width, 0);
  for (size_t i = a.size(); i-- > 0;)
    for (size_t k = b.size(); k-- > 0;)
      longest[i * width + k] =
          a[i] == b[k] ? static_cast<uint16_t>(longest[(i + 1) * width + k + 1] + 1)
                       : std::max(longest[(i + 1) * width + k], longest[i * width + k + 1]);
  for (size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    if (a[i] == b[k])
      place[i++] = static_cast<int32_t>(k++);
    else if (longest[(i + 1) * width + k] >= longest[i * width + k + 1])
      ++i;
    else
      ++k;
  }
  return place;
}

/// The values that one reading gives.
std::set<std::string> values_of(LabelKind kind, const Reading& reading) {
  std::set<std::string> values;
  for (const auto& part : reading.parts) {
    if (kind == LabelKind::part_of_speech) {
      if (auto value = part_of_speech(part); !value.empty()) values.insert(std::move(value));
    } else {
      for (auto& value : morphemes(part)) values.insert(std::move(value));
    }
  }
  return values;
}

}  // namespace

std::vector<std::vector<int32_t>> tokens_of_words(std::span<const audio::Label> words,
                                                  std::span<const Token> tokens) {
  const auto [spoken, word_of] = strung(words, [](const audio::Label& l) { return l.value; });
  const auto [written, token_of] = strung(tokens, [](const Token& t) { return t.surface; });
  const auto place = matched(spoken, written);
  std::vector<std::vector<int32_t>> found(words.size());
  std::vector<bool> whole(words.size(), true);
  for (size_t i = 0; i < spoken.size(); ++i) {
    const auto word = static_cast<size_t>(word_of[i]);
    if (place[i] < 0) {
      whole[word] = false;
      continue;
    }
    const int32_t token = token_of[static_cast<size_t>(place[i])];
    if (found[word].empty() || found[word].back() != token) found[word].push_back(token);
  }
  for (size_t w = 0; w < words.size(); ++w)
    if (!whole[w]) found[w].clear();
  return found;
}

std::vector<Track> analysed_tracks(LabelKind kind, const Track& words,
                                   std::span<const Token> tokens, std::string source,
                                   WordCounts* counts) {
  OTO_ASSERT(kind == LabelKind::part_of_speech || kind == LabelKind::morpheme);
  Track track = words;
  track.kind = kind;
  track.source = std::move(source);
  track.labels.clear();
  std::vector<Stretch> unknown;
  WordCounts own;
  const auto spelled = tokens_of_words(words.labels, tokens);
  for (size_t w = 0; w < words.labels.size(); ++w) {
    const audio::Label& word = words.labels[w];
    ++own.words;
    bool known = !spelled[w].empty(), ambiguous = false;
    own.spelled_otherwise += !known;
    std::set<std::string> values;
    for (const int32_t t : spelled[w]) {
      const Token& token = tokens[static_cast<size_t>(t)];
      known = known && !token.readings.empty();
      std::set<std::set<std::string>> kinds_of_reading;
      for (const Reading& reading : token.readings) {
        const auto of_reading = values_of(kind, reading);
        values.insert(of_reading.begin(), of_reading.end());
        kinds_of_reading.insert(of_reading);
      }
      ambiguous = ambiguous || kinds_of_reading.size() > 1;
    }
    if (!known) {
      own.unknown += !spelled[w].empty();
      unknown.push_back({word.start, word.end});
      continue;
    }
    own.ambiguous += ambiguous;
    for (const std::string& value : values) track.labels.push_back({word.start, word.end, value});
  }
  const auto settled =
      static_cast<double>(own.words - own.unknown - own.ambiguous - own.spelled_otherwise);
  track.quality = own.words > 0 ? settled / static_cast<double>(own.words) : 0;
  if (counts != nullptr) {
    counts->words += own.words;
    counts->unknown += own.unknown;
    counts->ambiguous += own.ambiguous;
    counts->spelled_otherwise += own.spelled_otherwise;
  }
  return known_outside(track, unknown);
}

}  // namespace otoscope::labels
