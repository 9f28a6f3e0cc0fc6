#include "otoscope/steer/text_language.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/errors.h"

namespace otoscope::steer {
namespace {

store::Manifest two_languages() {
  const char* english[] = {
      "the line is busy",     "please hold the line",   "good morning",
      "you have one message", "press the pound key",    "thank you for calling",
      "there is no answer",   "enter the number again", "the call has ended"};
  const char* spanish[] = {"la linea esta ocupada",
                           "por favor espere en la linea",
                           "buenos dias",
                           "usted tiene un mensaje",
                           "presione la tecla",
                           "gracias por llamar",
                           "no hay respuesta",
                           "introduzca el numero otra vez",
                           "la llamada ha terminado"};
  store::Manifest manifest;
  for (int i = 0; i < 9; ++i)
    for (const char* code : {"en", "es"}) {
      store::Clip clip;
      clip.id = std::string(code) + std::to_string(i);
      clip.language = code;
      clip.prompt_id = "p" + std::to_string(i);
      clip.split = i < 6 ? "train" : "test";
      clip.text = std::string(code) == "en" ? english[i] : spanish[i];
      manifest.clips.push_back(clip);
    }
  return manifest;
}

}  // namespace

TEST_CASE("texts are told apart by their letters, and the share of right guesses is measured") {
  const store::Manifest manifest = two_languages();
  const TextLanguage guesser = TextLanguage::of_manifest(manifest);
  CHECK(guesser.languages() == std::vector<std::string>{"en", "es"});
  CHECK(guesser.guess("The call, please!") == "en");
  CHECK(guesser.guess("la respuesta, por favor") == "es");
  CHECK(guesser.guess(" ... ").empty());
  const auto accuracy = text_language_accuracy(guesser, manifest, store::Split::test, 0);
  CHECK(accuracy.all.n == 6);
  CHECK(accuracy.all.clusters == 3);
  CHECK(accuracy.all.value == 1);
  CHECK(accuracy.by_language.at("es").n == 3);
  // All but "no hay respuesta" have four words.
  CHECK(text_language_accuracy(guesser, manifest, store::Split::test, 0, 4).all.n == 5);
  CHECK(count_words("One, two  three.") == 3);
}

TEST_CASE("scores are the log-probabilities of the n-grams, smoothed by a half") {
  const std::vector<std::pair<std::string, std::string>> texts{{"aa", "ab"}, {"bb", "b"}};
  const TextLanguage guesser(texts);
  // "b": order 1: b; order 2: " b", "b "; order 3: " b "; order 4: none.
  // aa: 1: a b (2); 2: " a" "ab" "b " (3); 3: " ab" "ab " (2). bb: 1: b (1); 2: " b" "b " (2); 3:
  // " b " (1). Kinds: 2, 4, 3.
  const auto scores = guesser.scores("b");
  const double aa = std::log(1.5 / (2 + 1.5)) + std::log(.5 / (3 + 2.5)) +
                    std::log(1.5 / (3 + 2.5)) + std::log(.5 / (2 + 2));
  const double bb = std::log(1.5 / (1 + 1.5)) + std::log(1.5 / (2 + 2.5)) +
                    std::log(1.5 / (2 + 2.5)) + std::log(1.5 / (1 + 2));
  REQUIRE(scores.size() == 2);
  CHECK(scores[0] == doctest::Approx(aa));
  CHECK(scores[1] == doctest::Approx(bb));
}

TEST_CASE("one language is nothing to choose from") {
  const std::vector<std::pair<std::string, std::string>> texts{{"en", "yes"}, {"en", "no"}};
  CHECK(testing::error_of([&] { TextLanguage guesser(texts); }).find("two languages or more") !=
        std::string::npos);
}

}  // namespace otoscope::steer
