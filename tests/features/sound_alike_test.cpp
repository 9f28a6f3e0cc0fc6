#include "features/sound_alike.h"

#include <doctest/doctest.h>

namespace otoscope::features {

TEST_CASE("skeletons keep consonant classes and nothing else") {
  CHECK(sound_skeleton("kɒnfɹəns") == "KNPRNS");
  CHECK(sound_skeleton("kɔ̃feʁɑ̃s") == "KNPRNS");
  CHECK(sound_skeleton("tʃeɪs") == "S");  // an affricate is one sound, and neighbours merge
  CHECK(sound_skeleton("tsatˈa") == "ST");
  CHECK(sound_skeleton("aɪ").empty());
  CHECK(sound_skeleton("").empty());
}

TEST_CASE("cognates sound alike, translations of another root mostly do not") {
  const auto alike = [](const char* a, const char* b) {
    return sound_alike(sound_skeleton(a), sound_skeleton(b));
  };
  CHECK(alike("kɒnfɹəns", "konferentsa"));
  CHECK(alike("mɛsɪdʒ", "messadʒːo"));
  CHECK(!alike("hʌndɹəd", "sto"));
  CHECK(!alike("kɒnfɹəns", "sovʲeʃanʲie"));
  CHECK(!alike("mɛsɪdʒ", "kurs"));
  CHECK(alike("aɪ", "uː"));  // no consonants: nothing to tell them apart by
}

}  // namespace otoscope::features
