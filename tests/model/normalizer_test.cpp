#include "otoscope/model/normalizer.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "support/close.h"

using namespace otoscope;
using namespace otoscope::model;
using testing::golden;

TEST_CASE("English is normalised as Whisper's EnglishTextNormalizer does it") {
  const io::Json cases = io::read_json(golden("normalizer/english.json"))["cases"];
  REQUIRE(cases.size() > 800);
  for (const io::Json& one : cases) {
    if (!one.contains("out")) continue;  // openai-whisper itself fails there
    const auto in = one["in"].get<std::string>();
    CAPTURE(in);
    CHECK(normalize_english(in) == one["out"].get<std::string>());
  }
}

TEST_CASE("other languages are normalised as Whisper's BasicTextNormalizer does it") {
  const io::Json cases = io::read_json(golden("normalizer/basic.json"))["cases"];
  REQUIRE(cases.size() > 100);
  for (const io::Json& one : cases) {
    const auto in = one["in"].get<std::string>();
    CAPTURE(in);
    CHECK(normalize_basic(in) == one["plain"].get<std::string>());
    CHECK(normalize_basic(in, {true, false}) == one["remove_diacritics"].get<std::string>());
    CHECK(normalize_basic(in, {false, true}) == one["split_letters"].get<std::string>());
    CHECK(normalize_basic(in, {true, true}) ==
          one["remove_diacritics_split_letters"].get<std::string>());
  }
}

TEST_CASE("a language decides its normaliser") {
  CHECK(normalize("Twenty-one colours!", "en") == "21 colors");
  CHECK(normalize("¡Veintiún colores!", "es") == " veintiún colores ");
  CHECK(normalize("世界", "ja") == "世 界");
}
