#include "otoscope/labels/align.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "labels/align_core.h"
#include "labels/boundary_errors.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/labels/espeak.h"
#include "otoscope/labels/plain_word.h"

using namespace otoscope;
using namespace otoscope::labels;
using audio::LabelKind;
using audio::Track;

namespace {

const std::string kText = "The gardener counts the money near the old bridge every morning.";

Track track_of(std::initializer_list<std::pair<double, const char*>> begins, LabelKind kind) {
  Track track;
  track.kind = kind;
  for (const auto& [start, value] : begins) track.labels.push_back({start, start + 0.1, value});
  return track;
}

/// Another voice than the aligner's, with noise of about 30 dB below it.
Speech other_voice(const std::string& text, const std::string& language, const char* variant) {
  SpeakOptions how;
  how.language = language;
  how.variant = variant;
  how.rate = 150;
  how.pitch = 65;
  Speech speech = speak(text, how);
  Rng rng(5, "noise");
  for (float& sample : speech.pcm) sample += 0.0015F * static_cast<float>(rng.normal());
  return speech;
}

const Track& find(const std::vector<Track>& tracks, LabelKind kind) {
  return *std::find_if(tracks.begin(), tracks.end(),
                       [&](const Track& track) { return track.kind == kind; });
}

double quantile_of(std::vector<double> errors, double q) {
  for (double& error : errors) error = std::abs(error);
  return quantile(errors, q);
}

}  // namespace

TEST_CASE("errors of boundaries: labels are matched in order, readings apart cost themselves") {
  const Track truth = track_of({{0.1, "k"}, {0.2, "æ"}, {0.3, "t"}, {0.4, "s"}}, LabelKind::phone);
  const Track found = track_of({{0.12, "k"}, {0.19, "ɛ"}, {0.4, "s"}}, LabelKind::phone);
  const BoundaryErrors errors = boundary_errors(found, truth);
  REQUIRE(errors.seconds.size() == 3);
  CHECK(errors.seconds[0] == doctest::Approx(0.02));
  CHECK(errors.seconds[1] == doctest::Approx(-0.01));  // another vowel in its place
  CHECK(errors.seconds[2] == doctest::Approx(0.0));
  CHECK(errors.missing == 1);
  CHECK(boundary_errors(track_of({}, LabelKind::phone), truth).missing == 4);
  CHECK(boundary_errors(truth, track_of({}, LabelKind::phone)).seconds.empty());
  // Words are never matched with other words.
  CHECK(
      boundary_errors(track_of({{0, "a"}}, LabelKind::word), track_of({{0, "b"}}, LabelKind::word))
          .seconds.empty());
}

TEST_CASE("words are plain") {
  CHECK(plain_word("\"L'eau,") == "l'eau");
  CHECK(plain_word("¿Qué?") == "qué");
  CHECK(plain_word("ОПЕРАТОР.") == "оператор");
  CHECK(plain_word("...").empty());
}

TEST_SUITE("alignment" * doctest::skip(!espeak_available())) {
  TEST_CASE("phones of other voices are found within some ms") {
    const Aligner aligner;
    std::vector<double> errors;
    int64_t missing = 0, scored = 0;
    for (const auto& [code, text] : {std::pair<std::string, std::string>("en", kText),
                                     {"es", "La niña lee una carta larga en la cocina."},
                                     {"fr", "Notre voisin cherche les clés devant la maison."},
                                     {"ru", "Старик ждёт поезд около моста каждое утро."},
                                     {"de", "Der Bäcker verkauft jeden Morgen frisches Brot."}})
      for (const char* variant : {"f2", "klatt2"}) {
        const std::string language = code;
        const Speech speech = other_voice(text, language, variant);
        const Alignment alignment = aligner.align(speech.pcm, text, language);
        CAPTURE(language);
        CHECK(alignment.kept);
        ++scored;
        const BoundaryErrors found = boundary_errors(
            alignment.track(LabelKind::phone), find(tracks_of(speech, text), LabelKind::phone));
        missing += found.missing;
        errors.insert(errors.end(), found.seconds.begin(), found.seconds.end());
      }
    CHECK(scored == 10);
    REQUIRE(errors.size() > 300);
    CHECK(missing < 5);
    CHECK(quantile_of(errors, 0.5) < 0.008);
    CHECK(quantile_of(errors, 0.9) < 0.035);
  }

  TEST_CASE("pauses go to silence and stretch no phone") {
    const Aligner aligner;
    Speech speech = other_voice(kText, "en", "f2");
    REQUIRE(speech.words.size() > 6);
    // 0.5 s before it, 0.7 s before the fifth word, 0.4 s after it.
    const int64_t cut = speech.words[4].start;
    std::vector<float> pcm(8000, 0.0F);
    pcm.insert(pcm.end(), speech.pcm.begin(), speech.pcm.begin() + cut);
    pcm.resize(pcm.size() + 11200, 0.0F);
    pcm.insert(pcm.end(), speech.pcm.begin() + cut, speech.pcm.end());
    pcm.resize(pcm.size() + 6400, 0.0F);
    const Alignment alignment = aligner.align(pcm, kText, "en");
    CHECK(alignment.kept);
    const Track& silence = alignment.track(LabelKind::silence);
    const Track& phones = alignment.track(LabelKind::phone);
    const double pause = (8000 + static_cast<double>(cut)) / 16000;
    const auto covered = [&](double from, double to) {
      double sum = 0;
      for (const audio::Label& label : silence.labels)
        sum += std::max(0.0, std::min(to, label.end) - std::max(from, label.start));
      return sum / (to - from);
    };
    CHECK(covered(0.02, 0.48) > 0.95);
    CHECK(covered(pause + 0.05, pause + 0.65) > 0.9);
    double longest = 0;
    for (const audio::Label& phone : phones.labels)
      longest = std::max(longest, phone.end - phone.start);
    CHECK(longest < 0.4);
    CHECK(alignment.track(LabelKind::stress).labels.size() > 10);
    CHECK(alignment.track(LabelKind::word).labels.front().value == "the");
    audio::ClipLabels clip{"x", static_cast<double>(pcm.size()) / 16000, alignment.tracks};
    audio::check_labels("x", clip);  // in order, inside the clip
  }

  TEST_CASE("another text scores less; hostile texts and sounds are not kept, and say why") {
    const Aligner aligner;
    const Speech speech = other_voice(kText, "en", "m3");
    const Alignment right = aligner.align(speech.pcm, kText, "en");
    const Alignment wrong = aligner.align(
        speech.pcm, "Please enter a telephone number after the tone and then hang up.", "en");
    CHECK(right.kept);
    // In deviations: a score is their share of a normal distribution.
    CHECK(normal_quantile(std::min(right.score, 1 - 1e-12)) > 2 * normal_quantile(wrong.score));
    const auto why = [&](std::span<const float> pcm, std::string_view text) {
      const Alignment alignment = aligner.align(pcm, text, "en");
      CHECK_FALSE(alignment.kept);
      return alignment.why_not;
    };
    CHECK(why(speech.pcm, "") == "no words");
    CHECK(why(speech.pcm, "...") == "no words");
    CHECK(why(speech.pcm, "\xff\xfe") == "no words");
    CHECK(why(speech.pcm, std::string(20'000, 'a')) == "no words");
    CHECK(why({}, kText) == "too short");
    CHECK(why(std::vector<float>(100, 0.1F), kText) == "too short");
    CHECK(why(std::vector<float>(16000 * 121, 0.0F), kText) == "too long");
    CHECK(why(std::vector<float>(4000, 0.0F), kText) == "score");  // faster than anyone speaks
    CHECK(why(std::vector<float>(64000, 0.0F), kText) == "score");
    std::vector<float> noise(64000);
    Rng rng(3, "noise");
    for (float& sample : noise) sample = 0.1F * static_cast<float>(rng.normal());
    CHECK(why(noise, kText) == "score");
    CHECK_THROWS_AS(aligner.align(speech.pcm, kText, "xx"), UserError);
    CHECK_THROWS_AS(Aligner({"nobody"}), UserError);
  }

  TEST_CASE("right texts are kept and wrong ones refused, of one word or of many") {
    const std::vector<std::pair<std::string, std::vector<std::string>>> alike = {
        {"en", {"Yesterday.", "Mailboxes.", "Forwarding."}},
        {"en", {"Leave the key outside.", "Open a second door.", "Call my old number."}},
        {"en",
         {kText, "Please enter a telephone number after the tone and then hang up.",
          "A cold wind from the north will bring heavy rain to the coast tonight."}},
        {"es", {"Mañana.", "Ventana.", "Quinientos."}},
        {"es",
         {"La niña lee una carta larga en la cocina.", "Marque su clave y después la almohadilla.",
          "El tren de las cuatro sale con retraso hoy."}},
        {"ru", {"Сегодня.", "Телефон.", "Неверно."}},
        {"ru",
         {"Старик ждёт поезд около моста каждое утро.", "Введите номер и нажмите на решётку.",
          "Оставьте сообщение после длинного сигнала."}}};
    const Aligner aligner;
    int right = 0, wrong = 0, right_kept = 0, wrong_kept = 0;
    double wrong_score = 0;
    for (const auto& [language, texts] : alike)
      for (const char* variant : {"f2", "klatt2", "m3"})
        for (const std::string& said : texts) {
          const Speech speech = other_voice(said, language, variant);
          for (const std::string& text : texts) {
            const Alignment alignment = aligner.align(speech.pcm, text, language);
            CAPTURE(said);
            CAPTURE(text);
            (said == text ? right : wrong) += 1;
            (said == text ? right_kept : wrong_kept) += alignment.kept;
            if (said != text) wrong_score += alignment.score;
          }
        }
    CHECK(right == 63);
    CHECK(wrong == 126);
    CHECK(right_kept >= 60);
    CHECK(wrong_kept <= 38);  // more than of people, .15: the two voices are of one synthesiser
    CHECK(std::abs(wrong_score / wrong - 0.5) < 0.1);
  }

  TEST_CASE("many at once give what each gives alone") {
    const Aligner aligner;
    const Speech one = other_voice(kText, "en", "f2"),
                 two = other_voice("Le boulanger vend du pain frais.", "fr", "m3");
    const std::vector<Aligner::Item> items = {{one.pcm, kText, "en"},
                                              {two.pcm, "Le boulanger vend du pain frais.", "fr"},
                                              {{}, "", "en"}};
    const std::vector<Alignment> together = aligner.align(items);
    REQUIRE(together.size() == 3);
    for (size_t i = 0; i < 3; ++i) {
      const Alignment alone = aligner.align(items[i].pcm, items[i].text, items[i].language);
      CHECK(alone.score == together[i].score);
      CHECK(alone.why_not == together[i].why_not);
      REQUIRE(alone.tracks.size() == together[i].tracks.size());
      for (size_t t = 0; t < alone.tracks.size(); ++t)
        CHECK(alone.tracks[t].labels.size() == together[i].tracks[t].labels.size());
    }
  }
}
