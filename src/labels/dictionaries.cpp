#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "labels/apertium_run.h"
#include "otoscope/labels/meaning.h"
#include "otoscope/model/normalizer.h"

namespace otoscope::labels {
namespace {

struct Dictionary {
  std::string_view language, package, file;
};
/// Two languages that a dictionary joins, or two dictionaries into one and the same third.
struct Route {
  std::string_view name;
  Dictionary from, to;  // to.package empty: `from` gives the other language itself
  std::string_view other;
};
constexpr Route kRoutes[] = {
    {"en-es", {"en", "apertium-eng-spa", "eng-spa.autobil.bin"}, {"", "", ""}, "es"},
    {"fr-it",
     {"fr", "apertium-fra-cat", "fra-cat.autobil.bin"},
     {"it", "apertium-cat-ita", "ita-cat.autobil.bin"},
     "it"}};

std::string lower(const std::string& text) {
  std::string out = model::normalize_basic(text);
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out.substr(std::min(out.find_first_not_of(' '), out.size()));
}

/// lemma -> how its readings are written in the stream: "key<n><sg>".
std::map<std::string, std::set<std::string>> readings_of(
    const std::vector<std::vector<Token>>& texts) {
  std::map<std::string, std::set<std::string>> readings;
  for (const auto& tokens : texts)
    for (const Token& token : tokens)
      for (const Reading& reading : token.readings)
        for (const auto& part : reading.parts) {
          std::string written = part.lemma;
          for (const std::string& tag : part.tags) written += "<" + tag + ">";
          readings[lower(part.lemma)].insert(written);
        }
  return readings;
}

/// lemma -> its translations' lemmas.
using Translations = std::map<std::string, std::set<std::string>>;

Translations look_up(const Dictionary& dictionary, const std::set<std::string>& lemmas,
                     const std::vector<std::vector<Token>>& texts) {
  std::vector<std::string> asked_for;
  std::string input;
  const auto readings = readings_of(texts);
  for (const std::string& lemma : lemmas) {
    const auto found = readings.find(lemma);
    if (found == readings.end()) continue;
    for (const std::string& written : found->second) {
      asked_for.push_back(lemma);
      input += "^" + written + "$\n";
    }
  }
  Translations translations;
  if (asked_for.empty()) return translations;
  const auto lines = apertium_lines(
      [&](const std::string& in, const std::string& out) {
        return std::vector<std::string>{
            "lt-proc", "-b", (apertium_folder(dictionary.package) / dictionary.file).string(), in,
            out};
      },
      input);
  for (size_t i = 0; i < lines.size() && i < asked_for.size(); ++i)
    for (const Token& token : lines[i])
      for (const Reading& reading : token.readings)
        for (const auto& part : reading.parts)
          if (!part.lemma.starts_with('@')) translations[asked_for[i]].insert(lower(part.lemma));
  return translations;
}

}  // namespace

std::vector<std::string> lemmas_of(const Token& token) {
  std::set<std::string> lemmas;
  for (const Reading& reading : token.readings)
    for (const auto& part : reading.parts)
      if (!part_of_speech(part).empty())  // all of English's personal pronouns have one lemma
        lemmas.insert(lower(part.lemma == "prpers" ? token.surface : part.lemma));
  if (token.readings.empty()) lemmas.insert(lower(token.surface));
  lemmas.erase("");
  return {lemmas.begin(), lemmas.end()};
}

std::vector<DictionaryCheck> check_concepts(
    std::span<const Concept> concepts,
    const std::map<std::string, std::vector<std::vector<Token>>>& tokens_by_language) {
  std::vector<DictionaryCheck> checks;
  for (const Route& route : kRoutes) {
    const std::string from(route.from.language), to(route.other);
    const auto of_from = tokens_by_language.find(from), of_to = tokens_by_language.find(to);
    if (of_from == tokens_by_language.end() || of_to == tokens_by_language.end() ||
        !analyser_missing(from).empty() || !analyser_missing(to).empty())
      continue;
    std::vector<std::pair<std::string, std::string>> pairs;
    std::set<std::string> from_lemmas, to_lemmas;
    for (const Concept& one : concepts) {
      const auto a = one.lemmas.find(from), b = one.lemmas.find(to);
      if (a == one.lemmas.end() || b == one.lemmas.end()) continue;
      pairs.emplace_back(a->second, b->second);
      from_lemmas.insert(a->second);
      to_lemmas.insert(b->second);
    }
    const Translations forward = look_up(route.from, from_lemmas, of_from->second);
    const bool third = !route.to.package.empty();
    const Translations backward =
        third ? look_up(route.to, to_lemmas, of_to->second) : Translations{};
    const auto judge = [&](const std::string& a, const std::string& b, int64_t& known,
                           int64_t& confirmed) {
      const auto found = forward.find(a);
      if (found == forward.end()) return;
      std::set<std::string> others = {b};
      if (third) {
        const auto back = backward.find(b);
        if (back == backward.end()) return;
        others = back->second;
      }
      ++known;
      confirmed += std::any_of(others.begin(), others.end(), [&](const std::string& other) {
        return found->second.count(other) != 0;
      });
    };
    DictionaryCheck check;
    check.pair = route.name;
    for (size_t i = 0; i < pairs.size(); ++i) {
      judge(pairs[i].first, pairs[i].second, check.known, check.confirmed);
      judge(pairs[i].first, pairs[(i + 1) % pairs.size()].second, check.control_known,
            check.control_confirmed);
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace otoscope::labels
