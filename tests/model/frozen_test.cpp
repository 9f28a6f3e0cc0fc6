#include "otoscope/model/frozen.h"

#include <doctest/doctest.h>

#include "model/nano.h"
#include "model/paths.h"
#include "otoscope/core/rng.h"
#include "otoscope/model/vjp.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace {

struct One {
  Tensor<float> mel;       // (1, 200, 80)
  Tensor<int64_t> tokens;  // (1, n)
};

One first_clip(int64_t n = 5) {
  const NanoInput input = nano_input();
  return {Tensor<float>::copy_of(input.mel.view().slice(0, 1)),
          Tensor<int64_t>::copy_of({input.tokens.data(), Shape{1, n}})};
}

Tensor<float> noise(Shape shape, Rng& rng) {
  Tensor<float> x(shape);
  for (float& v : x.view().span()) v = static_cast<float>(rng.normal());
  return x;
}

/// What each MLP really added, as the frozen map's sources.
FrozenModel::Mlp recorded_mlps(const FrozenModel& frozen) {
  return [&](const Site& site, View<const float>, View<const float>, View<float> out) {
    const View<const float> kept = frozen.value(site);
    std::copy_n(kept.data, kept.size(), out.data);
  };
}

void nothing(const Site&, View<const float>, View<const float>, View<float>) {}

const Site kOut{Stack::decoder, Point::out, -1}, kEmbed{Stack::decoder, Point::embed, -1},
    kConv2{Stack::encoder, Point::conv2, -1};

}  // namespace

TEST_CASE("the frozen map of the recorded sources gives the model's own values") {
  const One clip = first_clip();
  for (const int64_t frames : {int64_t{100}, int64_t{37}, int64_t{1}}) {
    CAPTURE(frames);
    const FrozenModel frozen(nano(), clip.mel, clip.tokens, frames);
    const auto values =
        frozen.forward(frozen.value(kConv2), frozen.value(kEmbed), recorded_mlps(frozen));
    CHECK_CLOSE(values.out, frozen.value(kOut), 1e-5);
    for (const char* name : {"encoder.blocks.0.ln2", "encoder.blocks.1.ln2", "decoder.blocks.1.ln2",
                             "encoder.blocks.1.resid_mid", "decoder.blocks.0.resid_cross"}) {
      CAPTURE(name);
      const Site site = find_site(nano().dims(), name);
      CHECK_CLOSE(values.at(site), frozen.value(site), 1e-5);
    }
  }
}

TEST_CASE("what it records are the values of the model") {
  const One clip = first_clip();
  const FrozenModel frozen(nano(), clip.mel, clip.tokens, 100);
  Recorder recorder(all_sites(nano().dims()));
  Hook* const hooks[] = {&recorder};
  const auto logits =
      nano().decode_forced(nano().encode(clip.mel, {}, hooks), clip.tokens, {}, hooks);
  for (const Site& site : all_sites(nano().dims())) {
    const bool row = site.point == Point::ln2 || site.point == Point::mlp_out || site == kConv2 ||
                     site == kEmbed || site == kOut;
    if (!row) continue;
    CAPTURE(site_name(site));
    const View<const float> kept = frozen.value(site);
    CHECK(same_bits(kept, recorder.last(site).view().reshaped(kept.shape)));
  }
  double mass = 0;
  for (const double m : frozen.cross_mass()) mass += m;
  CHECK(mass == doctest::Approx(1));  // all keys take part
}

TEST_CASE("its transpose is the transpose: targets equal sources times gradients, plus the bias") {
  const One clip = first_clip();
  Rng rng(3, "directions");
  const int64_t d = nano().dims().n_audio_state;
  for (const int64_t frames : {int64_t{100}, int64_t{37}})
    for (const bool skip : {false, true}) {
      CAPTURE(frames);
      CAPTURE(skip);
      FrozenModel frozen(nano(), clip.mel, clip.tokens, frames);
      Tensor<float> W = noise({d, d}, rng);
      for (float& v : W.view().span()) v *= 0.02f;
      if (skip) {
        frozen.set_skip(Stack::encoder, 0, W);
        frozen.set_skip(Stack::decoder, 1, W);
      }
      const Tensor<float> directions = noise({5, d}, rng);
      const auto read = [&](const char* name, int64_t position, int64_t target) {
        return FrozenRead{find_site(nano().dims(), name), position, target,
                          View<const float>{directions.view().row(target), Shape{d}}};
      };
      const std::vector<FrozenRead> reads = {
          {kOut, 4, 0, {directions.view().row(0), Shape{d}}},
          read("decoder.blocks.0.ln2", 2, 1),
          read("encoder.blocks.1.ln2", 11, 2),
          read("encoder.blocks.1.ln2", 12, 2),  // a run of two frames
          read("encoder.blocks.0.resid_mid", 20, 3),
          read("decoder.blocks.1.resid_cross", 3, 4)};
      std::vector<double> total(5);
      int visits = 0;
      const auto padding = frozen.back(reads, 5, [&](const Site& site, View<const float> g) {
        ++visits;
        const View<const float> source = frozen.value(site);
        REQUIRE(g.shape == Shape{source.shape[0], 5, d});
        for (int64_t t = 0; t < source.rows(); ++t)
          for (int64_t n = 0; n < 5; ++n)
            for (int64_t j = 0; j < d; ++j)
              total[static_cast<size_t>(n)] +=
                  double(source.at(t, j)) * double(g.row(t * 5 + n)[j]);
      });
      CHECK(visits == 6);
      const auto whole =
          frozen.forward(frozen.value(kConv2), frozen.value(kEmbed), recorded_mlps(frozen));
      const auto bias = frozen.forward({}, {}, nothing, false);
      std::vector<double> want(5), size(5);
      for (const FrozenRead& r : reads)
        for (int64_t j = 0; j < d; ++j) {
          const auto n = static_cast<size_t>(r.target);
          want[n] += double(r.direction[j]) * (double(whole.at(r.site).at(r.position, j)) -
                                               double(bias.at(r.site).at(r.position, j)));
          size[n] += std::abs(double(r.direction[j]) * double(whole.at(r.site).at(r.position, j)));
        }
      for (size_t n = 0; n < 5; ++n) {
        CAPTURE(n);
        CHECK(std::abs(total[n] + padding[n] - want[n]) <= 2e-5 * size[n]);
        if (frames == 100) CHECK(padding[n] == 0);
      }
    }
}

TEST_CASE("its gradients are those of a tape with patterns and norms frozen and MLPs cut") {
  const One clip = first_clip();
  std::vector<Site> writes;
  for (const Site& s : all_sites(nano().dims()))
    if (s.point == Point::mlp_out || s == kConv2 || s == kEmbed) writes.push_back(s);
  struct Cut : Hook {
    Want ask(const Site& s) override {
      return s.point == Point::mlp_out ? Want::replace : Want::none;
    }
  } cut;
  Hook* const hooks[] = {&cut};
  const Tape tape(nano(), clip.mel, clip.tokens, {}, hooks);
  Rng rng(5, "cotangents");
  const Tensor<float> c = noise({1, 5, nano().dims().n_text_state}, rng);
  const Cotangent read[] = {{kOut, c.view()}};
  const auto want = tape.gradients(read, writes, {true, true, false});
  const FrozenModel frozen(nano(), clip.mel, clip.tokens, 100);
  std::vector<FrozenRead> reads;
  for (int64_t t = 0; t < 5; ++t)
    reads.push_back({kOut, t, 0, {c.view().row(t), Shape{c.shape()[2]}}});
  int visits = 0;
  frozen.back(reads, 1, [&](const Site& site, View<const float> g) {
    CAPTURE(site_name(site));
    for (size_t i = 0; i < writes.size(); ++i)
      if (writes[i] == site) {
        CHECK_CLOSE(g.reshaped(want[i].shape()), want[i], 1e-5);
        ++visits;
      }
  });
  CHECK(visits == static_cast<int>(writes.size()));
}

TEST_CASE("the way through the cross-attention's keys is what freezing the pattern leaves out") {
  // With norms frozen and MLPs cut, and one decoder layer's pattern alive: the tape's gradient at
  // the encoder's output through cross_k of both layers.
  const One clip = first_clip();
  Rng rng(6, "cotangents");
  const int64_t d = nano().dims().n_text_state;
  const Tensor<float> c = noise({1, 5, d}, rng);
  struct Cut : Hook {
    Want ask(const Site& s) override {
      // The stream is held at each decoder block's end, so that the last block alone is read.
      return s.point == Point::mlp_out || s.point == Point::cross_q ? Want::replace : Want::none;
    }
  } cut;
  Hook* const hooks[] = {&cut};
  const Tape tape(nano(), clip.mel, clip.tokens, {}, hooks);
  const Cotangent read[] = {{kOut, c.view()}};
  const Site k1 = find_site(nano().dims(), "decoder.blocks.1.cross_k");
  // At the last block no other pattern lies between the read and the keys.
  const auto gk = tape.gradients(read, std::span(&k1, 1), {false, true, false});
  const Cotangent back[] = {{k1, gk[0].view()}};
  const auto want = tape.gradients(back, std::span(&kConv2, 1), {true, true, false});
  const FrozenModel frozen(nano(), clip.mel, clip.tokens, 100);
  std::vector<FrozenRead> reads;
  for (int64_t t = 0; t < 5; ++t) reads.push_back({kOut, t, 0, {c.view().row(t), Shape{d}}});
  Tensor<float> got;
  FrozenModel::BackOptions options;
  options.cross_keys = true;
  options.last_cross_only = true;
  frozen.back(
      reads, 1,
      [&](const Site& site, View<const float> g) {
        if (site == kConv2) got = Tensor<float>::copy_of(g);
      },
      options);
  REQUIRE(got.size() == want[0].size());
  got.reshape(want[0].shape());
  CHECK_CLOSE(got, want[0], 1e-5);
}

TEST_CASE("the frozen map refuses what it cannot hold") {
  const One clip = first_clip();
  CHECK(error_of([&] { FrozenModel(nano(), clip.mel, clip.tokens, 0); }) ==
        "[frames] expected 1 to 100, got 0.");
  CHECK(error_of([&] {
          FrozenModel(nano(), clip.mel, {}, 10);
        }).starts_with("[frozen model] expected one window"));
  const FrozenModel frozen(nano(), clip.mel, clip.tokens, 10);
  CHECK(error_of([&] {
          frozen.value({Stack::encoder, Point::mel, -1});
        }).starts_with("[encoder.mel] expected a site"));
}
