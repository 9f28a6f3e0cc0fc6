/// What is pooled of the decoder: the places before any text, each once.
#include <doctest/doctest.h>

#include "model/paths.h"
#include "otoscope/model/decode.h"
#include "otoscope/steer/detector.h"
#include "steer/block.h"
#include "steer/dense.h"

namespace otoscope::steer {

using testing::decoder_site;
using testing::kD;
using testing::nano;

namespace {

/// Mean and maximum over the rows of every feature, from all codes.
void check_pooled(const sae::Sae& sae, View<const float> x, const Pooled& pooled, int64_t at) {
  for (int32_t j = 0; j < sae.F(); ++j) {
    double sum = 0, largest = 0;
    for (int64_t t = 0; t < x.rows(); ++t) {
      double multiply = 1;
      const double f = testing::dense_codes(sae, x.row(t), multiply)[static_cast<size_t>(j)];
      sum += f;
      largest = std::max(largest, f);
    }
    CHECK(static_cast<double>(pooled.mean.at(at, j)) ==
          doctest::Approx(sum / static_cast<double>(x.rows())).epsilon(1e-4));
    CHECK(static_cast<double>(pooled.max.at(at, j)) == doctest::Approx(largest).epsilon(1e-4));
  }
}

}  // namespace

TEST_CASE("decoder sites are pooled over the prompt and the first timestamp, and no text") {
  const sae::Sae sae = testing::random_sae(kD, kD / 2, sae::Activation::relu);
  const auto tokenizer = model::load_tokenizer(nano());
  const Tensor<float> audio = nano().encode(testing::nano_input().mel);
  for (const bool detect : {false, true}) {
    CAPTURE(detect);
    Pooled pooled = make_pooled(sae, 2);
    PoolHook hook(decoder_site(), sae, pooled, 7);
    model::Hook* const hooks[] = {&hook};
    model::DecodeOptions options;
    options.sample_len = 6;
    if (!detect) options.languages = {"en"};
    const int64_t items[] = {8, 7};  // rows of `pooled` the other way round
    const auto results = model::decode(nano(), tokenizer, audio, options, items, hooks);
    for (int64_t b = 0; b < 2; ++b) {
      const auto& result = results[static_cast<size_t>(b)];
      REQUIRE_FALSE(result.tokens.empty());
      auto tokens = tokenizer.sot_sequence(result.language);
      tokens.push_back(result.tokens[0]);
      model::Recorder recorder({decoder_site()});
      model::Hook* const recorders[] = {&recorder};
      nano().decode_forced(audio.view().slice(b, b + 1), View<const int64_t>(tokens.data(), {1, 4}),
                           {}, recorders);
      const View<const float> rows = recorder.last(decoder_site()).view().sub(0);
      REQUIRE(rows.rows() == 4);
      check_pooled(sae, rows, pooled, 1 - b);
      for (int64_t i = 0; i < kD; ++i)
        CHECK(static_cast<double>(pooled.dense.at(1 - b, i)) ==
              doctest::Approx((static_cast<double>(rows.at(0, i)) + rows.at(1, i) + rows.at(2, i) +
                               rows.at(3, i)) /
                              4)
                  .epsilon(1e-4));
    }
  }
}

}  // namespace otoscope::steer
