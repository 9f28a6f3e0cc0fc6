#include <algorithm>
#include <set>
#include <tuple>

#include "otoscope/labels/meaning.h"

namespace otoscope::labels {
namespace {

/// A word of a language, by number.
struct Vocabulary {
  std::vector<std::string> languages;
  std::vector<std::pair<int32_t, std::string>> words;  // language, lemma
  std::map<std::pair<int32_t, std::string>, int32_t> number;

  int32_t add(int32_t language, const std::string& lemma) {
    const auto [found, fresh] =
        number.emplace(std::pair(language, lemma), static_cast<int32_t>(words.size()));
    if (fresh) words.emplace_back(language, lemma);
    return found->second;
  }
};

/// prompt -> language -> its words, each once.
using Prompts = std::map<std::string, std::map<int32_t, std::set<int32_t>>>;

struct Best {
  double dice = 0;
  int64_t together = 0;
  int32_t other = -1;
};

class Lexicon {
 public:
  Lexicon(std::span<const ParallelText> texts, const ConceptOptions& options) : options_(options) {
    std::set<std::string> names;
    for (const ParallelText& text : texts) names.insert(text.language);
    vocabulary_.languages.assign(names.begin(), names.end());
    for (const ParallelText& text : texts) {
      const auto language =
          static_cast<int32_t>(std::lower_bound(vocabulary_.languages.begin(),
                                                vocabulary_.languages.end(), text.language) -
                               vocabulary_.languages.begin());
      auto& words = prompts_[text.prompt_id][language];
      for (const std::string& lemma : text.lemmas)
        if (!lemma.empty()) words.insert(vocabulary_.add(language, lemma));
    }
    count();
    link();
  }

  std::vector<Concept> concepts() const {
    // Most frequent words first, so that a word joins the concept that has most to say for it.
    std::vector<int32_t> order(vocabulary_.words.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      const auto key = [&](int32_t w) {
        return std::tuple(-static_cast<int64_t>(links_[static_cast<size_t>(w)].size()),
                          -prompts_of_[static_cast<size_t>(w)],
                          vocabulary_.words[static_cast<size_t>(w)]);
      };
      return key(a) < key(b);
    });
    std::vector<bool> used(order.size(), false);
    std::vector<Concept> found;
    for (const int32_t seed : order) {
      if (used[static_cast<size_t>(seed)]) continue;
      std::vector<int32_t> group = {seed};
      for (const int32_t other : links_[static_cast<size_t>(seed)])
        if (!used[static_cast<size_t>(other)] &&
            std::all_of(group.begin(), group.end(),
                        [&](int32_t member) { return linked(member, other); }))
          group.push_back(other);
      if (static_cast<int64_t>(group.size()) < options_.least_languages) continue;
      for (const int32_t member : group) used[static_cast<size_t>(member)] = true;
      found.push_back(concept_of(group));
    }
    std::sort(found.begin(), found.end(), [](const Concept& a, const Concept& b) {
      return std::tie(a.name, a.lemmas) < std::tie(b.name, b.lemmas);
    });
    std::map<std::string, int> so_far;  // two concepts may share a name
    for (Concept& one : found)
      if (const int number = ++so_far[one.name]; number > 1)
        one.name += " " + std::to_string(number);
    return found;
  }

 private:
  void count() {
    prompts_of_.assign(vocabulary_.words.size(), 0);
    for (const auto& [prompt, by_language] : prompts_) {
      if (by_language.size() < 2) continue;  // says nothing of translations
      for (const auto& [language, words] : by_language)
        for (const int32_t word : words) ++prompts_of_[static_cast<size_t>(word)];
      for (auto a = by_language.begin(); a != by_language.end(); ++a)
        for (auto b = std::next(a); b != by_language.end(); ++b) {
          for (const int32_t one : a->second)
            for (const int32_t other : b->second) ++together_[{one, other}];
          if (a->second.size() == 1 && b->second.size() == 1)
            alone_.insert({*a->second.begin(), *b->second.begin()});
        }
    }
  }

  double dice(int32_t a, int32_t b, int64_t together) const {
    // A word is compared over the prompts that the other's language has too, but counting those
    // for every pair would change little: nearly all prompts are in all languages.
    return 2.0 * static_cast<double>(together) /
           static_cast<double>(prompts_of_[static_cast<size_t>(a)] +
                               prompts_of_[static_cast<size_t>(b)]);
  }

  void link() {
    // The best partner of every word in every other language; ties go to nobody.
    std::map<std::pair<int32_t, int32_t>, Best> best;  // word, other language
    const auto offer = [&](int32_t word, int32_t other, double value, int64_t together) {
      Best& held = best[{word, vocabulary_.words[static_cast<size_t>(other)].first}];
      if (value > held.dice)
        held = {value, together, other};
      else if (value == held.dice)
        held.other = -1;
    };
    for (const auto& [pair, together] : together_) {
      const bool alone = alone_.count(pair) != 0;
      const double value = dice(pair.first, pair.second, together);
      if (!alone && (together < options_.least_together || value < options_.least_dice)) continue;
      // What stands alone in a prompt of both languages is a translation whatever else it does.
      offer(pair.first, pair.second, value + alone, together);
      offer(pair.second, pair.first, value + alone, together);
    }
    links_.assign(vocabulary_.words.size(), {});
    for (const auto& [key, held] : best) {
      if (held.other < 0) continue;
      const auto back =
          best.find({held.other, vocabulary_.words[static_cast<size_t>(key.first)].first});
      if (back != best.end() && back->second.other == key.first)
        links_[static_cast<size_t>(key.first)].insert(held.other);
    }
  }

  bool linked(int32_t a, int32_t b) const { return links_[static_cast<size_t>(a)].count(b) != 0; }

  Concept concept_of(const std::vector<int32_t>& group) const {
    Concept made;
    for (const int32_t member : group) {
      const auto& [language, lemma] = vocabulary_.words[static_cast<size_t>(member)];
      made.lemmas[vocabulary_.languages[static_cast<size_t>(language)]] = lemma;
    }
    const auto english = made.lemmas.find("en");
    made.name = english != made.lemmas.end()
                    ? english->second
                    : made.lemmas.begin()->second + " (" + made.lemmas.begin()->first + ")";
    for (const auto& [prompt, by_language] : prompts_) {
      int64_t here = 0;
      for (const auto& [language, words] : by_language)
        here += std::any_of(group.begin(), group.end(),
                            [&words = words](int32_t member) { return words.count(member) != 0; });
      made.prompts += here >= 2;
    }
    return made;
  }

  ConceptOptions options_;
  Vocabulary vocabulary_;
  Prompts prompts_;
  std::vector<int64_t> prompts_of_;
  std::map<std::pair<int32_t, int32_t>, int64_t> together_;
  std::set<std::pair<int32_t, int32_t>> alone_;
  std::vector<std::set<int32_t>> links_;
};

}  // namespace

std::vector<Concept> learn_concepts(std::span<const ParallelText> texts,
                                    const ConceptOptions& options) {
  return Lexicon(texts, options).concepts();
}

}  // namespace otoscope::labels
