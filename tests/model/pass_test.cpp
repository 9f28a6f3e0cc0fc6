#include <doctest/doctest.h>

#include "model/paths.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace {

/// Two orders of the same sums differ by rounding alone. A site's value passes through about 20
/// products of up to 512 terms each, with norms that bring the size back to 1: 20 gamma(512).
const double kRounding = 20 * dot_tolerance(512, 1.0);

}  // namespace

TEST_CASE("decoding over a cache equals decoding without one") {
  const NanoInput input = nano_input();
  const Tensor<float>& audio = nano_detail::nano_audio();
  const Tensor<float> whole = nano().decode_forced(audio, input.tokens);
  const int64_t V = nano().dims().n_vocab;
  for (const auto& cuts :
       std::vector<std::vector<int64_t>>{{8}, {4, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1}, {3, 5}}) {
    KvCache cache = nano().make_cache(audio, 8);
    int64_t at = 0;
    for (const int64_t n : cuts) {
      const Tensor<float> got =
          nano().decode_step(cache, nano_detail::columns(at, at + n), {}, {}, true);
      for (int64_t b = 0; b < 2; ++b) {
        const View<const float> want = whole.view().sub(b).slice(at, at + n);
        CHECK_CLOSE(got.view().sub(b), want, kRounding);
      }
      at += n;
      CHECK(cache.length() == at);
    }
    CHECK(at * V * 2 == whole.size());
  }
}

TEST_CASE("long prompts take the path of products and agree with the plain loops") {
  // 20 tokens at once are more than the plain loops take; one by one they are not.
  Tensor<int64_t> tokens({2, 20});
  for (int64_t i = 0; i < tokens.size(); ++i) tokens[i] = (i * 37) % 300;
  const Tensor<float>& audio = nano_detail::nano_audio();
  const Tensor<float> whole = nano().decode_forced(audio, tokens);
  KvCache all = nano().make_cache(audio, 64), steps = nano().make_cache(audio, 64);
  Tensor<float> one({2, 1, 1}), first({2, 1, 1});
  const Tensor<float> last = nano().decode_step(all, tokens);
  for (int64_t t = 0; t < 20; ++t) {
    Tensor<int64_t> column({2, 1});
    for (int64_t b = 0; b < 2; ++b) column[b] = tokens[b * 20 + t];
    const Tensor<float> got = nano().decode_step(steps, column);
    for (int64_t b = 0; b < 2; ++b)
      CHECK_CLOSE(got.view().sub(b), whole.view().sub(b).sub(t), kRounding);
    if (t == 19) CHECK_CLOSE(got, last, kRounding);
  }
  // A second long piece over a cache that is not full: keys are packed first.
  const Tensor<float> more = nano().decode_step(all, tokens, {}, {}, true);
  Tensor<int64_t> doubled({2, 40});
  for (int64_t i = 0; i < 80; ++i) doubled[i] = tokens[(i / 40) * 20 + i % 20];
  const Tensor<float> both = nano().decode_forced(audio, doubled);
  for (int64_t b = 0; b < 2; ++b)
    CHECK_CLOSE(more.view().sub(b), both.view().sub(b).slice(20, 40), kRounding);
}

TEST_CASE("beams share an audio and continue what they came from") {
  const Tensor<float>& audio = nano_detail::nano_audio();
  KvCache cache = nano().make_cache(audio, 8);
  nano().decode_step(cache, nano_detail::columns(0, 4));
  cache.reorder(std::vector<int32_t>{1, 0, 1});
  CHECK(cache.rows() == 3);
  Tensor<int64_t> next({3, 1});
  next[0] = 301, next[1] = 302, next[2] = 303;
  const Tensor<float> got = nano().decode_step(cache, next);
  const int64_t row[] = {1, 0, 1};
  for (int64_t i = 0; i < 3; ++i) {
    Tensor<int64_t> tokens({2, 5});
    for (int64_t b = 0; b < 2; ++b) {
      std::copy_n(nano_detail::columns(0, 4).data() + b * 4, 4, tokens.data() + b * 5);
      tokens[b * 5 + 4] = next[i];
    }
    const Tensor<float> want = nano().decode_forced(audio, tokens);
    CHECK_CLOSE(got.view().sub(i), want.view().sub(row[i]).sub(4), kRounding);
  }
  cache.truncate(4);
  const Tensor<float> again = nano().decode_step(cache, next);
  CHECK(same_bits(again, got));
}

TEST_CASE("a batch twice as large gives the same rows") {
  const NanoInput input = nano_input();
  const int64_t n = input.mel.size();
  Tensor<float> mel({4, 200, 80});
  for (int64_t i = 0; i < 2 * n; ++i) mel[i] = input.mel[i % n];
  const Tensor<float> one = nano().encode(input.mel), two = nano().encode(mel);
  CHECK_CLOSE(two.view().slice(0, 2), one, kRounding);
  CHECK_CLOSE(two.view().slice(2, 4), one, kRounding);
  const Tensor<int64_t> tokens = nano_detail::columns(0, 8, 2);
  Tensor<float> audio(two.shape());
  for (int64_t b = 0; b < 4; ++b)
    std::copy_n(one.data() + (b / 2) * 12800, 12800, audio.data() + b * 12800);
  const Tensor<float> small = nano().decode_forced(one, input.tokens),
                      large = nano().decode_forced(audio, tokens);
  for (int64_t b = 0; b < 4; ++b)
    CHECK_CLOSE(large.view().sub(b), small.view().sub(b / 2), kRounding);
}

TEST_CASE("a forward resumed at any residual site equals the whole one") {
  const NanoInput input = nano_input();
  for (const Site& site : all_sites(nano().dims())) {
    if (site.stack != Stack::encoder) continue;
    CAPTURE(site_name(site));
    Recorder recorder({site});
    Hook* const hooks[] = {&recorder};
    CHECK(nano().encode(input.mel, {}, hooks, site).empty());
    const Tensor<float>& x = recorder.last(site);
    const bool residual = site.point == Point::embed || site.point == Point::resid_pre ||
                          site.point == Point::resid_mid || site.point == Point::resid_post ||
                          site.point == Point::out;
    if (residual)
      CHECK(same_bits(nano().encode_from(site, x), nano().encode(input.mel)));
    else if (x.shape() == Shape{2, 100, 128})
      CHECK(error_of([&] { nano().encode_from(site, x); }).starts_with("[encode_from] expected"));
  }
  CHECK(error_of([&] {
          nano().encode_from({Stack::encoder, Point::resid_pre, 9}, nano().encode(input.mel));
        }).starts_with("[encode_from] expected"));
}

TEST_CASE("until stops a forward after its site and before the next") {
  const NanoInput input = nano_input();
  const std::vector<Site> sites = all_sites(nano().dims());
  const Tensor<float> audio = nano().encode(input.mel);
  for (size_t i = 0; i + 1 < sites.size(); ++i) {
    CAPTURE(site_name(sites[i]));
    Recorder recorder(sites);
    Hook* const hooks[] = {&recorder};
    const bool decoder = sites[i].stack == Stack::decoder;
    CHECK((decoder ? nano().decode_forced(audio, input.tokens, {}, hooks, sites[i])
                   : nano().encode(input.mel, {}, hooks, sites[i]))
              .empty());
    CHECK(recorder.all(sites[i]).size() == 1);
    CHECK(error_of([&] { recorder.last(sites[i + 1]); }).find("no pass reached it") !=
          std::string::npos);
  }
}

TEST_CASE("wrong shapes and tokens are the caller's mistake, in one line") {
  const Tensor<float> mel({1, 199, 80}), audio({1, 100, 128});
  CHECK(error_of([&] { nano().encode(mel); }) ==
        "[mel] expected shape (1, 200, 80), got (1, 199, 80).");
  Tensor<int64_t> tokens({1, 2});
  tokens[1] = 1924;
  CHECK(error_of([&] { nano().decode_forced(audio, tokens); }) ==
        "[tokens] expected ids below 1924, got 1924.");
  const Tensor<int64_t> many({1, 65});
  CHECK(error_of([&] {
          nano().decode_forced(audio, many);
        }).starts_with("[tokens] expected at most 64 positions, got 65"));
  KvCache cache = nano().make_cache(audio, 2);
  CHECK(error_of([&] {
          nano().decode_step(cache, Tensor<int64_t>({1, 3}));
        }).starts_with("[tokens] expected at most 2 positions, got 3"));
  const Tensor<float> none({0, 200, 80});
  CHECK(nano().encode(none).shape() == Shape{0, 100, 128});
}
