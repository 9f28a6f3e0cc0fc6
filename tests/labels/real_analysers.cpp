// Debian's Apertium packages themselves.
#include <doctest/doctest.h>

#include "otoscope/labels/analysers.h"
#include "otoscope/labels/meaning.h"

using namespace otoscope;

TEST_CASE("every language's analyser knows its own words") {
  const struct {
    const char *language, *text, *word, *part;
  } cases[] = {{"en", "The keys are here.", "keys", "noun"},
               {"es", "El telefono esta aqui.", "telefono", "noun"},  // without its accents
               {"fr", "Votre compte est bloqué.", "compte", "noun"},
               {"it", "Il numero non è valido.", "numero", "noun"},
               {"ru", "Введите номер оператора.", "номер", "noun"}};
  for (const auto& one : cases) {
    CAPTURE(one.language);
    REQUIRE(labels::analyser_missing(one.language).empty());
    // Characters of the stream's own, and texts that must not run into each other.
    const std::vector<std::string> texts = {one.text, "^a/b<n>$ [x] \\", "", one.text};
    const auto tokens = labels::analyse(one.language, texts);
    REQUIRE(tokens.size() == 4);
    for (const size_t i : {size_t{0}, size_t{3}}) {
      bool found = false;
      for (const auto& token : tokens[i])
        if (token.surface == one.word) {
          REQUIRE_FALSE(token.readings.empty());
          found = labels::part_of_speech(token.readings[0].parts.at(0)) == one.part;
        }
      CHECK(found);
    }
  }
}

TEST_CASE("dictionaries confirm translations and refuse shuffled ones") {
  std::vector<labels::Concept> concepts = {{"key", {{"en", "key"}, {"es", "clave"}}, 1},
                                           {"number", {{"en", "number"}, {"es", "número"}}, 1},
                                           {"account", {{"en", "account"}, {"es", "casa"}}, 1}};
  std::map<std::string, std::vector<std::vector<labels::Token>>> tokens;
  const std::vector<std::string> english = {"The key. The number. The account."},
                                 spanish = {"La clave. El número. La casa."};
  tokens["en"] = labels::analyse("en", english);
  tokens["es"] = labels::analyse("es", spanish);
  const auto checks = labels::check_concepts(concepts, tokens);
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].pair == "en-es");
  CHECK(checks[0].known == 3);
  CHECK(checks[0].confirmed == 2);
  CHECK(checks[0].control_confirmed == 0);
}
