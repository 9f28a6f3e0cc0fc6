#include "otoscope/circuits/written.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "circuits/nano_circuit.h"
#include "otoscope/model/hook.h"

using namespace otoscope;
using namespace otoscope::circuits;
using namespace otoscope::testing;

TEST_CASE("what a direction writes is what the logits do when a little of it is added") {
  const NanoClip clip = nano_clip();
  const Tensor<float> audio = nano().encode(clip.mel);
  const model::Dims dims = nano().dims();
  const model::Site last{model::Stack::decoder, model::Point::resid_post, dims.n_text_layer - 1};
  const auto d = static_cast<size_t>(dims.n_text_state);
  const int64_t at = 2;

  model::Recorder recorder({last});
  model::Hook* const listening[] = {&recorder};
  const Tensor<float> before = nano().decode_forced(audio, clip.tokens, {}, listening);
  const float* x = recorder.last(last).view().sub(0).row(at);

  // A direction that leaves the norm's mean and denominator alone to first order: frozen and free
  // agree along it.
  Rng rng(3, "direction");
  std::vector<double> v(d), centred(d);
  double mean_x = 0, mean_v = 0, dot = 0, square = 0;
  for (size_t i = 0; i < d; ++i) v[i] = rng.normal();
  for (size_t i = 0; i < d; ++i) mean_x += static_cast<double>(x[i]) / static_cast<double>(d);
  for (size_t i = 0; i < d; ++i) mean_v += v[i] / static_cast<double>(d);
  for (size_t i = 0; i < d; ++i) {
    centred[i] = static_cast<double>(x[i]) - mean_x, v[i] -= mean_v;
    dot += v[i] * centred[i], square += centred[i] * centred[i];
  }
  std::vector<float> direction(d);
  for (size_t i = 0; i < d; ++i)
    direction[i] = static_cast<float>(v[i] - dot / square * centred[i]);

  const float step = 0.02F;
  model::Edit edit(last, [&](const model::Rows&, View<float> rows) {
    float* row = rows.sub(0).row(at);
    for (size_t i = 0; i < d; ++i) row[i] += step * direction[i];
  });
  model::Hook* const editing[] = {&edit};
  const Tensor<float> after = nano().decode_forced(audio, clip.tokens, {}, editing);

  const float *before_row = before.view().sub(0).row(at), *after_row = after.view().sub(0).row(at);
  const int64_t tokens = 1000;
  std::vector<double> moved(tokens);
  double mean = 0;
  for (int64_t t = 0; t < tokens; ++t) {
    moved[static_cast<size_t>(t)] =
        (static_cast<double>(after_row[t]) - static_cast<double>(before_row[t])) /
        static_cast<double>(step);
    mean += moved[static_cast<size_t>(t)] / static_cast<double>(tokens);
  }
  const double deviation = std::sqrt(square / static_cast<double>(d));
  const auto written = written_by(nano(), direction, tokens, 7);
  REQUIRE(written.size() == 7);
  for (const Written& one : written) {
    const double seen = (moved[static_cast<size_t>(one.token)] - mean) * deviation;
    CHECK(std::abs(seen - one.logit) < 0.02 * std::abs(one.logit));
  }
  CHECK(std::is_sorted(written.begin(), written.end(),
                       [](const Written& a, const Written& b) { return a.logit > b.logit; }));
  std::vector<double> sorted = moved;
  std::sort(sorted.begin(), sorted.end());
  CHECK(moved[static_cast<size_t>(written[0].token)] > sorted[sorted.size() - 5]);
}
