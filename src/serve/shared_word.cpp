#include "serve/shared_word.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

namespace otoscope::serve {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || std::isalnum(byte) != 0 || c == '\'') {
      word += byte < 0x80 ? static_cast<char>(std::tolower(byte)) : c;
    } else if (!word.empty()) {
      words.push_back(word);
      word.clear();
    }
  }
  return words;
}

SharedWord shared_word(const std::vector<std::string>& texts,
                       const std::map<std::string, int64_t>& document_frequency,
                       int64_t n_documents) {
  std::map<std::string, int> counts;
  for (const std::string& text : texts) {
    const std::vector<std::string> words = words_of(text);
    for (const std::string& word : std::set<std::string>(words.begin(), words.end()))
      ++counts[word];
  }
  SharedWord best;
  const auto n = static_cast<int>(texts.size());
  for (const auto& [word, count] : counts) {
    const auto found = document_frequency.find(word);
    if (found == document_frequency.end() || count < 2) continue;
    const double p =
        static_cast<double>(found->second) / static_cast<double>(std::max<int64_t>(1, n_documents));
    double tail = 0;  // P(X >= count), X ~ Binomial(n, p)
    for (int k = count; k <= n; ++k)
      tail += std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) +
                       k * std::log(p) + (n - k) * std::log1p(-std::min(p, 1 - 1e-12)));
    const double surprise = -std::log10(std::max(tail, 1e-300));
    if (surprise > best.surprise) best = {word, count, surprise};
  }
  return best;
}

}  // namespace otoscope::serve
