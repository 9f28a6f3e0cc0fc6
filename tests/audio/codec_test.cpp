#include "otoscope/audio/codec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::audio {
namespace {

/// Noise below 2.5 kHz in bursts: a codec keeps it, and its correlation has one peak.
std::vector<float> sound(size_t n) {
  Rng rng(3, "codec");
  std::vector<float> pcm(n);
  double a = 0, b = 0;
  for (size_t i = 0; i < n; ++i) {
    a += .35 * (rng.normal() - a);
    b += .35 * (a - b);
    const double t = static_cast<double>(i) / 16000;
    pcm[i] = static_cast<float>(.5 * b * (.55 + .45 * std::sin(2 * M_PI * 3 * t)));
  }
  return pcm;
}

double correlation(const std::vector<float>& a, const std::vector<float>& b, int64_t shift) {
  double ab = 0, aa = 0, bb = 0;
  for (int64_t i = 2000; i + 2000 < static_cast<int64_t>(a.size()); ++i) {
    const double x = static_cast<double>(a[static_cast<size_t>(i)]);
    const double y = static_cast<double>(b[static_cast<size_t>(i + shift)]);
    ab += x * y, aa += x * x, bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

TEST_CASE("every codec gives sound of the same length, in step, and not the same samples") {
  const auto pcm = sound(20001);
  for (const std::string& name : codec_names()) {
    CAPTURE(name);
    const auto coded = through_codec(pcm, name);
    REQUIRE(coded.size() == pcm.size());
    int64_t best = 0;
    for (int64_t shift = -1500; shift <= 1500; ++shift)
      if (correlation(pcm, coded, shift) > correlation(pcm, coded, best)) best = shift;
    CHECK(std::abs(best) <= 2);
    CHECK(correlation(pcm, coded, best) > .9);
    CHECK(coded != pcm);
    CHECK(through_codec(pcm, name) == coded);
  }
}

TEST_CASE("fewer kilobits lose more") {
  const auto pcm = sound(24000);
  for (const char* name : {"opus", "mp3"}) {
    const auto loss = [&](int kilobits) {
      return 1 - correlation(pcm, through_codec(pcm, name, kilobits), 0);
    };
    CHECK(loss(8) > loss(48));
  }
}

TEST_CASE("short sounds, none at all, codecs that are not there") {
  CHECK(through_codec({}, "opus").empty());
  CHECK(through_codec(std::vector<float>(1, .5f), "mp3").size() == 1);
  CHECK(through_codec(std::vector<float>(3, .5f), "g722").size() == 3);
  CHECK_THROWS_AS(through_codec(std::vector<float>(10), "g729"), UserError);
}

}  // namespace
}  // namespace otoscope::audio
