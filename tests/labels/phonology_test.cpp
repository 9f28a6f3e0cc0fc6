#include "otoscope/labels/phonology.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "otoscope/core/text.h"
#include "otoscope/labels/espeak.h"

using namespace otoscope;
using labels::phone_classes;

namespace {

std::string classes(const char* ipa) { return join(phone_classes(ipa)); }

}  // namespace

TEST_CASE("a phone's classes are those of the chart") {
  CHECK(classes("s") == "alveolar, consonant, fricative, sibilant, voiceless");
  CHECK(classes("m") == "bilabial, consonant, nasal, voiced");
  CHECK(classes("i") == "close vowel, front vowel, unrounded vowel, vowel");
  CHECK(classes("tʃ") == "affricate, consonant, postalveolar, sibilant, voiceless");
  CHECK(classes("t͡ʃ") == classes("tʃ"));
  CHECK(classes("ɡ") == classes("g"));  // the chart's letter and the keyboard's
  CHECK(classes("w") == "approximant, consonant, glide, labial-velar, voiced");
}

TEST_CASE("marks behind a symbol add to its classes") {
  CHECK(classes("iː") == "close vowel, front vowel, long vowel, unrounded vowel, vowel");
  CHECK(classes("ɑ̃") == "back vowel, nasal vowel, open vowel, unrounded vowel, vowel");
  CHECK(classes("nʲ") == "alveolar, consonant, nasal, palatalised, voiced");
  CHECK(classes("n̩") == "alveolar, consonant, nasal, syllabic, voiced");
  CHECK(classes("eɪ") == "close-mid vowel, diphthong, front vowel, unrounded vowel, vowel");
  CHECK(classes("ɑːɹ") ==
        "back vowel, long vowel, open vowel, rhotic vowel, unrounded vowel, vowel");
  CHECK(classes("ˈa") == classes("a"));
  CHECK(classes("ja") == classes("a"));
}

TEST_CASE("what is not in the table has no classes") {
  CHECK(phone_classes("").empty());
  CHECK(phone_classes("ː").empty());
  CHECK(phone_classes("€").empty());
  CHECK(phone_classes("s€").empty());
  CHECK(phone_classes("\xFF").empty());
}

TEST_CASE("all classes are listed, and each belongs to some phone") {
  const auto& all = labels::all_phone_classes();
  CHECK(std::is_sorted(all.begin(), all.end()));
  for (const char* name : {"vowel", "consonant", "voiced", "nasal", "lateral", "diphthong"})
    CHECK(std::count(all.begin(), all.end(), name) == 1);
  for (const char* ipa : {"s", "iː", "ɑ̃", "n̩", "tʃ", "aɪ", "ɝ", "pʰ"})
    for (const auto& name : phone_classes(ipa)) {
      CAPTURE(name);
      CHECK(std::count(all.begin(), all.end(), name) == 1);
    }
}

TEST_CASE("espeak-ng's odd spellings are mended in their language only") {
  CHECK(labels::ipa_of_espeak("y", "ru") == "ɨ");
  CHECK(labels::ipa_of_espeak("y", "fr") == "y");
  CHECK(classes(labels::ipa_of_espeak("ss", "it").c_str()) ==
        "alveolar, consonant, fricative, long consonant, sibilant, voiceless");
}

TEST_CASE("every ARPAbet name is a phone of the table") {
  // CMUdict's 39, which ARCTIC's labels use with the reduced vowels ax and er.
  for (const char* name :
       {"aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy",
        "uh", "uw", "b",  "ch", "d",  "dh", "f",  "g",  "hh", "jh", "k",  "l",  "m",  "n",
        "ng", "p",  "r",  "s",  "sh", "t",  "th", "v",  "w",  "y",  "z",  "zh"}) {
    CAPTURE(name);
    CHECK_FALSE(phone_classes(labels::ipa_of_arpabet(name)).empty());
  }
  CHECK(labels::ipa_of_arpabet("AH0") == "ʌ");
  CHECK(labels::ipa_of_arpabet("sil").empty());
  CHECK(labels::ipa_of_arpabet("ʃ") == "ʃ");
}

TEST_CASE("a track of ARPAbet becomes IPA, and one of IPA only loses its silences") {
  audio::Track track;
  track.labels = {{0, 1, "sil"}, {1, 2, "HH"}, {2, 3, "iy1"}, {3, 4, "b"}};
  CHECK(labels::is_arpabet(track));
  const auto ipa = labels::as_ipa(track);
  REQUIRE(ipa.labels.size() == 3);
  CHECK(ipa.labels[0].value == "h");
  CHECK(ipa.labels[1].value == "i");
  track.labels = {{0, 1, "h"}, {1, 2, "i"}, {2, 3, "pau"}, {3, 4, "ʃ"}};
  CHECK_FALSE(labels::is_arpabet(track));
  REQUIRE(labels::as_ipa(track).labels.size() == 3);
  CHECK(labels::as_ipa(track).labels[2].value == "ʃ");
  track.labels = {{0, 1, "b"}, {1, 2, "d"}};  // the same in both
  CHECK_FALSE(labels::is_arpabet(track));
  track.kind = audio::LabelKind::word;
  track.labels = {{0, 1, "er"}, {1, 2, "sil"}};
  CHECK(labels::as_ipa(track).labels.size() == 2);
}

TEST_CASE("the phones that espeak-ng speaks are in the table") {
  if (!labels::espeak_available()) return;  // another build; the table's own tests stand above
  const std::pair<const char*, const char*> texts[] = {
      {"en", "Please enter your thousand bottles; the measure of joy she heard was rare, whom?"},
      {"es", "El pingüino mexicano bebió ocho jarras de agua; la niña llegó hoy con guerra."},
      {"fr", "Le garçon mange un bon gâteau, l'agneau et l'huile; je peux voir deux roues brunes."},
      {"it", "Gli gnomi azzurri sciano sul ghiaccio, il cielo; lo zucchero è nella tazza."},
      {"ru", "Съешь же ещё этих мягких французских булок, да выпей чаю; щука и цыплёнок."}};
  for (const auto& [code, text] : texts) {
    const std::string language = code;
    const auto speech = labels::speak(text, {language});
    CHECK(speech.phones.size() > 40);
    for (const auto& phone : speech.phones) {
      CAPTURE(language);
      CAPTURE(phone.ipa);
      CHECK((phone.ipa.empty() || !phone_classes(phone.ipa).empty()));
    }
  }
}
