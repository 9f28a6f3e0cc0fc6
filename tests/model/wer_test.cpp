#include "otoscope/model/wer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "support/close.h"

using namespace otoscope;
using namespace otoscope::model;

TEST_CASE("errors are counted as jiwer counts them, split included") {
  const io::Json file = io::read_json(testing::golden("wer/cases.json"));
  REQUIRE(file["cases"].size() > 100);
  EditCounts words, characters;
  for (const io::Json& one : file["cases"]) {
    const auto reference = one["reference"].get<std::string>();
    const auto hypothesis = one["hypothesis"].get<std::string>();
    CAPTURE(reference);
    CAPTURE(hypothesis);
    const EditCounts w = word_errors(reference, hypothesis);
    CHECK(w.substitutions == one["S"].get<int64_t>());
    CHECK(w.deletions == one["D"].get<int64_t>());
    CHECK(w.insertions == one["I"].get<int64_t>());
    CHECK(w.hits == one["hits"].get<int64_t>());
    CHECK(w.rate() == doctest::Approx(one["wer"].get<double>()).epsilon(1e-12));
    const EditCounts c = character_errors(reference, hypothesis);
    CHECK(c.substitutions == one["char_S"].get<int64_t>());
    CHECK(c.deletions == one["char_D"].get<int64_t>());
    CHECK(c.insertions == one["char_I"].get<int64_t>());
    CHECK(c.rate() == doctest::Approx(one["cer"].get<double>()).epsilon(1e-12));
    words += w;
    characters += c;
  }
  CHECK(words.rate() == doctest::Approx(file["corpus_wer"].get<double>()).epsilon(1e-12));
  CHECK(characters.rate() == doctest::Approx(file["corpus_cer"].get<double>()).epsilon(1e-12));
}

TEST_CASE("an empty reference has insertions but no rate") {
  const EditCounts counts = word_errors("", "thank you");
  CHECK(counts.insertions == 2);
  CHECK(counts.reference() == 0);
  CHECK(std::isnan(counts.rate()));
  CHECK(word_errors("", "").errors() == 0);
}
