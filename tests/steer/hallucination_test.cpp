#include "otoscope/steer/hallucination.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/steer/detector.h"
#include "otoscope/steer/suppress_vad.h"
#include "support/errors.h"

namespace otoscope::steer {
namespace {

store::Manifest sounds_of(int sources, int each) {
  store::Manifest manifest;
  for (int s = 0; s < sources; ++s)
    for (int i = 0; i < each; ++i) {
      store::Clip clip;
      clip.source = "source" + std::to_string(s);
      clip.id = clip.source + "/" + std::to_string(i);
      clip.path = clip.id + ".wav";
      clip.text = "";
      clip.speech = false;
      manifest.clips.push_back(clip);
    }
  return manifest;
}

Heard heard_as(const std::string& text, double no_speech = 0, double logprob = 0) {
  Heard heard;
  heard.text = heard.normalised = text;
  heard.no_speech = no_speech;
  heard.avg_logprob = logprob;
  return heard;
}

SoundWindow speech_of(const std::string& cluster, const std::string& reference, int64_t words) {
  SoundWindow window;
  window.cluster = cluster;
  window.reference = reference;
  window.words = words;
  window.speech = true;
  return window;
}

}  // namespace

TEST_CASE("sounds of one source are in one part, and at most so many of it are taken") {
  const auto windows = choose_sounds(sounds_of(200, 5), 2);
  CHECK(windows.size() == 400);
  std::map<std::string, std::set<Part>> parts;
  std::map<Part, int> sources;
  for (const SoundWindow& window : windows) parts[window.cluster].insert(window.part);
  for (const auto& [source, in] : parts) {
    CHECK(in.size() == 1);
    ++sources[*in.begin()];
  }
  CHECK(parts.size() == 200);
  CHECK(sources[Part::train] > 60);
  CHECK(sources[Part::dev] > 20);
  CHECK(sources[Part::test] > 60);
  // Fewer of each part are the first of more.
  const auto few = choose_sounds(sounds_of(200, 5), 2, 10, 12);
  std::map<Part, std::vector<std::string>> all_ids, few_ids;
  for (const SoundWindow& window : windows) all_ids[window.part].push_back(window.clip.id);
  for (const SoundWindow& window : few) few_ids[window.part].push_back(window.clip.id);
  for (const auto& [part, ids] : few_ids) {
    CHECK(ids.size() == (part == Part::test ? 12 : 10));
    for (size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == all_ids[part][i]);
  }
  CHECK(testing::error_of([] { choose_sounds({}, 1); }).find("speech: false") != std::string::npos);
}

TEST_CASE("text is kept unless the no-speech token is likely and the text improbable") {
  CHECK(heard_as("you", .9, -.5).kept());
  CHECK(heard_as("you", .5, -2).kept());
  CHECK_FALSE(heard_as("you", .9, -1.5).kept());
  CHECK_FALSE(heard_as("", .1, -.1).kept());
}

TEST_CASE("shares carry Wilson's interval over windows and the bootstrap's over sources") {
  std::vector<SoundWindow> windows;
  std::vector<uint8_t> event;
  for (int s = 0; s < 40; ++s)
    for (int i = 0; i < 5; ++i) {
      windows.push_back(speech_of("s" + std::to_string(s), "", 0));
      event.push_back(s < 10 ? 1 : 0);  // whole sources: windows are far from independent
    }
  const Share share = share_of(windows, event, 0);
  CHECK(share.wilson.value == doctest::Approx(.25));
  CHECK(share.by_source.value == doctest::Approx(.25));
  CHECK(share.by_source.clusters == 40);
  const double narrow = share.wilson.high - share.wilson.low,
               wide = share.by_source.high - share.by_source.low;
  CHECK(wide > 1.8 * narrow);
  const Estimate expected = wilson(50, 200);
  CHECK(share.wilson.low == doctest::Approx(expected.low));
}

TEST_CASE("frequent texts are counted over windows and over sources") {
  std::vector<SoundWindow> windows;
  std::vector<Heard> heard;
  for (const char* text : {"you", "you", "thanks", "you", "", "thanks"}) {
    windows.push_back(speech_of(windows.size() < 2 ? "a" : "b", "", 0));
    heard.push_back(heard_as(text));
  }
  const auto texts = frequent_texts(windows, heard);
  REQUIRE(texts.size() == 2);
  CHECK(texts[0].text == "you");
  CHECK(texts[0].windows == 3);
  CHECK(texts[0].sources == 2);
  CHECK(texts[1].windows == 2);
  CHECK(texts[1].sources == 1);
}

TEST_CASE("the guard counts the words that an edit costs, and says when they are too few") {
  std::vector<SoundWindow> windows;
  std::vector<Heard> clean, lost;
  for (int i = 0; i < 400; ++i) {
    windows.push_back(speech_of("p" + std::to_string(i / 2), "one two three four", 4));
    clean.push_back(heard_as(i % 10 == 0 ? "one two three" : "one two three four"));
    lost.push_back(i % 100 == 7 ? heard_as("") : clean.back());
  }
  const Guard guard = guard_of(windows, clean, lost, 0);
  CHECK(guard.words == 1600);
  CHECK(guard.clean_wer.value == doctest::Approx(40. / 1600));
  CHECK(guard.rise.value == doctest::Approx(16. / 1600));
  CHECK(guard.changed == 4);
  CHECK(guard.emptied.value == doctest::Approx(4. / 400));
  CHECK(guard.rise.high > guard.rise.value);
  CHECK_FALSE(guard.holds(.005));
  CHECK(std::isinf(guard.words_for(.003)));
  // A margin that is twice as far away needs a quarter of the words.
  const double far = guard.words_for(guard.rise.value + .02),
               near = guard.words_for(guard.rise.value + .01);
  CHECK(near == doctest::Approx(4 * far).epsilon(1e-6));

  // Nothing changed: the rule of three, not an interval of width zero.
  const Guard same = guard_of(windows, clean, clean, 0);
  CHECK(same.rise.high == 0);
  CHECK(same.upper() == doctest::Approx(3. / 400));
  CHECK_FALSE(same.holds(.05));  // 1,600 words are too few to hold anything
  CHECK(same.words_for(.003) == doctest::Approx(1600 * (3. / 400) / .003));
}

TEST_CASE("logistic regression finds planted weights, and its score is that of its own columns") {
  Rng rng(1, "logistic");
  const int64_t n = 4000;
  std::vector<double> x;
  std::vector<uint8_t> y;
  for (int64_t i = 0; i < n; ++i) {
    const double a = 3 + 2 * rng.normal(), b = -1 + .5 * rng.normal(), c = rng.normal();
    x.insert(x.end(), {a, b, c});
    const double score = 1.5 * (a - 3) - 2 * (b + 1);
    y.push_back(rng.uniform() < 1 / (1 + std::exp(-score)) ? 1 : 0);
  }
  const Logistic model = fit_logistic(x, 3, y, 1e-6);
  CHECK(model.weights[0] == doctest::Approx(1.5).epsilon(.1));
  CHECK(model.weights[1] == doctest::Approx(-2).epsilon(.15));
  CHECK(std::abs(model.weights[2]) < .15);
  const double zero[] = {3, -1, 0};
  CHECK(std::abs(model.score(zero)) < .3);
  // Constant columns carry no weight; separable classes stay finite.
  const std::vector<double> separable{0, 5, 1, 5, 2, 5, 3, 5};
  const Logistic cut = fit_logistic(separable, 2, std::vector<uint8_t>{0, 0, 1, 1}, 1e-3);
  CHECK(std::isfinite(cut.weights[0]));
  CHECK(cut.weights[0] > 0);
  CHECK(cut.weights[1] == 0);
}

TEST_CASE("the feature that tells windows apart is ranked first, and one is enough") {
  Rng rng(2, "features");
  const int64_t n = 120, F = 50;
  Tensor<float> pooled(Shape{n, F});
  std::vector<int64_t> windows;
  std::vector<uint8_t> positive;
  for (int64_t i = 0; i < n; ++i) {
    windows.push_back(i);
    positive.push_back(i % 3 == 0 ? 1 : 0);
    for (int64_t j = 0; j < F; ++j) pooled.at(i, j) = static_cast<float>(std::abs(rng.normal()));
    pooled.at(i, 17) = static_cast<float>(i % 3 == 0 ? 2 + rng.uniform() : rng.uniform());
    pooled.at(i, 18) = i == 0 ? 1.0F : 0.0F;  // fires once: passed over
  }
  const auto ranked = rank_features(pooled, windows, positive, 8);
  REQUIRE(ranked.size() == 8);
  CHECK(ranked[0].feature == 17);
  CHECK(ranked[0].auroc == doctest::Approx(1));
  for (const RankedFeature& one : ranked) CHECK(one.feature != 18);
  const auto found = fit_features(pooled, windows, positive, ranked, 3);
  REQUIRE(found.size() == 3);
  CHECK(found[0].features == std::vector<int32_t>{17});
  CHECK(found[2].features.size() == 3);
  for (int64_t i = 0; i < n; ++i) {
    const double score = found[0].score({pooled.view().row(i), static_cast<size_t>(F)});
    CHECK((score > 0) == (i % 3 == 0));
  }
}

TEST_CASE("an AUROC with clusters equals the plain one, and whole clusters widen it") {
  Rng rng(3, "auroc");
  std::vector<double> scores;
  std::vector<uint8_t> positive;
  std::vector<std::string> each, grouped;
  for (int c = 0; c < 40; ++c) {
    const double of_cluster = rng.normal();
    for (int i = 0; i < 8; ++i) {
      positive.push_back(c % 2 == 0 ? 1 : 0);
      scores.push_back(std::round(4 * (of_cluster + .3 * rng.normal() + (c % 2 == 0 ? 1 : 0))));
      each.push_back(std::to_string(scores.size()));
      grouped.push_back(std::to_string(c));
    }
  }
  const Estimate plain = auroc_by_cluster(scores, positive, each, 0),
                 clustered = auroc_by_cluster(scores, positive, grouped, 0);
  CHECK(plain.value == doctest::Approx(auroc(scores, positive)));
  CHECK(clustered.value == plain.value);
  CHECK(clustered.high - clustered.low > 1.8 * (plain.high - plain.low));
}

TEST_CASE("findings of a detector in front are read, and broken ones refused") {
  const std::string good =
      R"({"schema":"otoscope.vad","version":1,"detector":"some vad","audio_s":5,"busy_s":0.1,
"clips":[{"id":"a","duration":2.0,"speech":[[0.1,0.5],[0.5,2.05]]},{"id":"b","duration":3,"speech":[]}]})";
  const VadFindings findings = parse_vad(good, "vad.json");
  CHECK(findings.detector == "some vad");
  CHECK(findings.seconds("a") == doctest::Approx(1.9));
  CHECK_FALSE(findings.silent("a"));
  CHECK(findings.silent("b"));
  CHECK(testing::error_of([&] { findings.silent("c"); }).find("clip c") != std::string::npos);
  const auto refused = [&](const char* from, const char* to) {
    std::string text = good;
    text.replace(text.find(from), std::string(from).size(), to);
    return testing::error_of([&] { parse_vad(text, "vad.json"); });
  };
  CHECK(refused("otoscope.vad", "other").find("expected schema") != std::string::npos);
  CHECK(refused("\"version\":1", "\"version\":2").find("version 1") != std::string::npos);
  CHECK(refused("[0.1,0.5]", "[0.5,0.1]").find("spans in order") != std::string::npos);
  CHECK(refused("[0.1,0.5]", "[0.1,0.7]").find("spans in order") != std::string::npos);
  CHECK(refused("[0.1,0.5]", "[-1,0.5]").find("spans in order") != std::string::npos);
  CHECK(refused("2.05", "2.5").find("spans in order") != std::string::npos);
  CHECK(refused("[0.1,0.5]", "[0.1]").find("[start, end]") != std::string::npos);
  CHECK(refused("\"id\":\"b\"", "\"id\":\"a\"").find("twice") != std::string::npos);
  CHECK(refused("\"duration\":3", "\"duration\":-3").find("duration") != std::string::npos);
  CHECK(refused("\"clips\":[", "\"clips\":7,\"x\":[").find("list at clips") != std::string::npos);
}

}  // namespace otoscope::steer
