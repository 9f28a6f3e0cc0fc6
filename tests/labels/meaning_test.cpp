#include "otoscope/labels/meaning.h"

#include <doctest/doctest.h>

#include "otoscope/core/rng.h"

using namespace otoscope;
using labels::ParallelText;

namespace {

/// The words of a language: "dog" is "dog-es" in Spanish.
std::string in_language(const std::string& word, const std::string& language) {
  return language == "en" ? word : word + "-" + language;
}

}  // namespace

TEST_CASE("words that go together in parallel prompts become concepts") {
  // 60 prompts of four of 30 words each, in three languages and in any order.
  Rng rng(7, "prompts");
  std::vector<ParallelText> texts;
  for (int prompt = 0; prompt < 60; ++prompt) {
    std::vector<std::string> words;
    for (int i = 0; i < 4; ++i) words.push_back("w" + std::to_string(rng.below(30)));
    for (const char* language : {"en", "es", "ru"}) {
      ParallelText text{"p" + std::to_string(prompt), language, {}};
      for (const auto& word : words) text.lemmas.push_back(in_language(word, language));
      // A word of every prompt, which no other language has.
      text.lemmas.push_back(std::string("filler") + std::to_string(prompt) + language);
      texts.push_back(std::move(text));
    }
  }
  const auto concepts = labels::learn_concepts(texts);
  int64_t right = 0;
  for (const auto& one : concepts) {
    REQUIRE(one.lemmas.size() == 3);
    CHECK(one.name == one.lemmas.at("en"));
    right += one.lemmas.at("es") == in_language(one.name, "es") &&
             one.lemmas.at("ru") == in_language(one.name, "ru");
  }
  CHECK(concepts.size() >= 25);
  CHECK(right == static_cast<int64_t>(concepts.size()));

  // Shuffled: prompts that say unlike things in their languages give next to nothing.
  for (auto& text : texts)
    if (text.language != "en")
      text.prompt_id = "p" + std::to_string((std::stoi(text.prompt_id.substr(1)) * 7 +
                                             (text.language == "es" ? 1 : 13)) %
                                            60);
  CHECK(labels::learn_concepts(texts).size() <= concepts.size() / 10);
}

TEST_CASE("prompts of one word translate each other, and two languages are too few") {
  std::vector<ParallelText> texts = {
      {"one", "en", {"one"}},     {"one", "es", {"uno"}},   {"one", "fr", {"un"}},
      {"two", "en", {"two"}},     {"two", "es", {"dos"}},   {"x", "fr", {"alone"}},
      {"three", "fr", {"trois"}}, {"three", "it", {"tre"}}, {"three", "ru", {"три"}}};
  const auto concepts = labels::learn_concepts(texts);
  REQUIRE(concepts.size() == 2);
  CHECK(concepts[0].name == "one");
  CHECK(concepts[0].lemmas.at("fr") == "un");
  CHECK(concepts[0].prompts == 1);
  CHECK(concepts[1].name == "trois (fr)");  // named after no English word
  labels::ConceptOptions two;
  two.least_languages = 2;
  CHECK(labels::learn_concepts(texts, two).size() == 3);
  CHECK(labels::learn_concepts({}).empty());
}

TEST_CASE("a token's lemmas are those of its readings, or its own spelling") {
  const auto tokens = labels::parse_stream_line(
      "^Del/de<pr>+el<det><m><sg>$ ^Xyz/*Xyz$ ^You/prpers<prn><subj><p2>$ ^./.<sent>$", "x");
  CHECK(labels::lemmas_of(tokens[0]) == std::vector<std::string>{"de", "el"});
  CHECK(labels::lemmas_of(tokens[1]) == std::vector<std::string>{"xyz"});
  CHECK(labels::lemmas_of(tokens[2]) == std::vector<std::string>{"you"});
  CHECK(labels::lemmas_of(tokens[3]).empty());
}
