#include "otoscope/model/wer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "model/text/unicode.h"

namespace otoscope::model {
namespace {

/// Distances are enough for the sum, but not for how it splits. Each cell therefore carries the
/// counts of its best path; on ties a deletion is preferred, then an insertion, as rapidfuzz walks
/// back through its matrix.
template <class Item>
EditCounts count(std::span<const Item> reference, std::span<const Item> hypothesis) {
  // Common ends are hits: cheap, and rapidfuzz sets them aside too.
  int64_t hits = 0;
  while (!reference.empty() && !hypothesis.empty() && reference.front() == hypothesis.front()) {
    reference = reference.subspan(1), hypothesis = hypothesis.subspan(1);
    ++hits;
  }
  while (!reference.empty() && !hypothesis.empty() && reference.back() == hypothesis.back()) {
    reference = reference.first(reference.size() - 1);
    hypothesis = hypothesis.first(hypothesis.size() - 1);
    ++hits;
  }
  const size_t n = reference.size();
  std::vector<EditCounts> above(n + 1), row(n + 1);
  for (size_t c = 1; c <= n; ++c) above[c].deletions = static_cast<int64_t>(c);
  for (size_t r = 1; r <= hypothesis.size(); ++r) {
    row[0] = {};
    row[0].insertions = static_cast<int64_t>(r);
    for (size_t c = 1; c <= n; ++c) {
      const bool equal = reference[c - 1] == hypothesis[r - 1];
      const int64_t by_deletion = row[c - 1].errors() + 1, by_insertion = above[c].errors() + 1;
      const int64_t straight = above[c - 1].errors() + (equal ? 0 : 1);
      const int64_t best = std::min({by_deletion, by_insertion, straight});
      if (by_deletion == best) {
        row[c] = row[c - 1];
        ++row[c].deletions;
      } else if (above[c].errors() == above[c - 1].errors() - 1) {
        row[c] = above[c];
        ++row[c].insertions;
      } else {
        row[c] = above[c - 1];
        ++(equal ? row[c].hits : row[c].substitutions);
      }
    }
    std::swap(above, row);
  }
  above[n].hits += hits;
  return above[n];
}

}  // namespace

double EditCounts::rate() const {
  if (reference() == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(errors()) / static_cast<double>(reference());
}

EditCounts& EditCounts::operator+=(const EditCounts& other) {
  substitutions += other.substitutions;
  deletions += other.deletions;
  insertions += other.insertions;
  hits += other.hits;
  return *this;
}

EditCounts count_edits(std::span<const std::string> reference,
                       std::span<const std::string> hypothesis) {
  // Numbers compare faster than words.
  std::unordered_map<std::string_view, int32_t> numbers;
  const auto numbered = [&](std::span<const std::string> words) {
    std::vector<int32_t> out;
    for (const std::string& word : words)
      out.push_back(numbers.try_emplace(word, static_cast<int32_t>(numbers.size())).first->second);
    return out;
  };
  const std::vector<int32_t> a = numbered(reference), b = numbered(hypothesis);
  return count<int32_t>(a, b);
}

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::u32string& word : text::split_words(text::from_utf8(text)))
    words.push_back(text::to_utf8(word));
  return words;
}

}  // namespace

EditCounts word_errors(std::string_view reference, std::string_view hypothesis) {
  return count_edits(words_of(reference), words_of(hypothesis));
}

EditCounts character_errors(std::string_view reference, std::string_view hypothesis) {
  const std::u32string a = text::from_utf8(text::strip(reference));
  const std::u32string b = text::from_utf8(text::strip(hypothesis));
  return count<char32_t>(a, b);
}

}  // namespace otoscope::model
