#include "otoscope/steer/hook.h"

#include <doctest/doctest.h>

#include "otoscope/core/errors.h"
#include "steer/block.h"
#include "steer/dense.h"
#include "support/errors.h"

namespace otoscope::steer {
namespace {

using model::find_site;
using model::Hook;
using model::Site;
using testing::Block;
using testing::decoder_site;
using testing::encoder_site;
using testing::kD;
using testing::nano;
using testing::same;

Operator every_feature_operator(Action action) {
  Operator op = on_features(action, {3, 40, 41, 90}, .7, {1.5F, .5F, 2.0F, 1.25F});
  return op;
}

}  // namespace

TEST_CASE("every operator on features equals the dense formula, for every kind of SAE") {
  struct Kind {
    sae::Activation activation;
    sae::Normalize normalize;
    bool rescale;
  };
  const Kind kinds[] = {{sae::Activation::relu, sae::Normalize::none, false},
                        {sae::Activation::jumprelu, sae::Normalize::none, false},
                        {sae::Activation::gated, sae::Normalize::none, false},
                        {sae::Activation::topk, sae::Normalize::none, true},
                        {sae::Activation::jumprelu, sae::Normalize::layer_norm, false},
                        {sae::Activation::relu, sae::Normalize::constant_norm_rescale, false}};
  for (const Kind& kind : kinds) {
    const sae::Sae sae =
        testing::random_sae(kD, 3 * kD, kind.activation, kind.normalize, kind.rescale);
    CAPTURE(static_cast<int>(kind.activation));
    for (int a = 0; a < kActions; ++a) {
      const auto action = static_cast<Action>(a);
      if (!uses_features(action)) continue;
      CAPTURE(action_name(action));
      Operator op = every_feature_operator(action);
      auto donor = std::make_shared<Tensor<float>>(Shape{6, 4});
      testing::fill(*donor, 9, "donor", 1);
      if (action == Action::swap) op.donors = {{7, donor}, {3, donor}};
      Block block;
      const Tensor<float> before = block.x.clone();
      SteerHook hook(nano().dims(), encoder_site(), {op}, &sae);
      hook.replace(encoder_site(), block.rows, block.x);
      Tensor<float> want = before.clone();
      int64_t moved = 0;
      for (int64_t b = 0; b < 2; ++b)
        for (int64_t t = 0; t < block.valid[static_cast<size_t>(b)]; ++t) {
          const float* x = before.view().sub(b).row(t);
          const auto row = testing::dense_edit(sae, op, x, donor->view().row(t));
          for (int64_t i = 0; i < kD; ++i)
            want.view().sub(b).at(t, i) = static_cast<float>(row[static_cast<size_t>(i)]);
          moved += same(want.view().sub(b).row(t), x, kD) ? 0 : 1;
        }
      CHECK(moved >= 5);  // the formula does something
      CHECK_CLOSE(block.x, want, 2e-6);
      CHECK(hook.dose().rows == 10);
      CHECK(hook.dose().changed >= moved);
    }
  }
}

TEST_CASE("edits of a transcoder's features keep its error, and no edit keeps every bit") {
  sae::Sae t = testing::random_sae(kD, 2 * kD, sae::Activation::jumprelu);
  t.W_skip = Tensor<float>(Shape{kD, kD});
  testing::fill(t.W_skip, 6, "skip", .05);
  t.apply_b_dec_to_input = false;
  t.site = "encoder.blocks.1.ln2", t.target_site = "encoder.blocks.1.mlp_out";
  const Site target = find_site(nano().dims(), t.target_site);
  const Site source = find_site(nano().dims(), t.site);
  const Block read(1), block(2);

  // Operators that change nothing: the real output, to the bit.
  for (const Operator& op :
       {on_features(Action::scale, {3, 40}, 1), on_features(Action::add, {3, 40}, 0)}) {
    Block kept(2);
    SteerHook hook(nano().dims(), target, {op}, &t);
    CHECK(hook.ask(source) == model::Want::observe);
    CHECK(hook.ask(target) == model::Want::replace);
    hook.observe(source, read.rows, read.x);
    hook.replace(target, kept.rows, kept.x);
    CHECK(same(kept.x.data(), block.x.data(), block.x.size()));
  }

  // An edit adds to the target what the source's codes changed by.
  const Operator clamp = on_features(Action::clamp, {3, 40}, 2);
  Block edited(2);
  SteerHook hook(nano().dims(), target, {clamp}, &t);
  hook.observe(source, read.rows, read.x);
  hook.replace(target, edited.rows, edited.x);
  SparseRows codes;
  const sae::Encoder encoder(t);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t row = 0; row < 6; ++row) {
      encoder.encode(read.x.view().sub(b).slice(row, row + 1), codes);
      for (int64_t i = 0; i < kD; ++i) {
        double want = block.x.view().sub(b).at(row, i);
        if (row < block.valid[static_cast<size_t>(b)])
          for (const int32_t f : {3, 40}) {
            double now = 0;
            for (size_t e = 0; e < codes.indices.size(); ++e)
              if (codes.indices[e] == f) now = codes.values[e];
            want += (2 - now) * t.W_dec.at(f, i);
          }
        CHECK(edited.x.view().sub(b).at(row, i) == doctest::Approx(want).epsilon(1e-4));
      }
    }

  // The whole splice is xhat of the source.
  Block spliced(2);
  SteerOptions whole;
  whole.form = Form::splice;
  SteerHook replace(nano().dims(), target, {}, &t, whole);
  replace.observe(source, read.rows, read.x);
  replace.replace(target, spliced.rows, spliced.x);
  Tensor<float> xhat(Shape{6, kD});
  encoder.reconstruct(read.x.view().sub(0), xhat);
  CHECK_CLOSE(spliced.x.view().sub(0), xhat, 1e-6);
  CHECK(testing::error_of([&] {
          SteerHook(nano().dims(), encoder_site(), {clamp}, &t);
        }).find("expected the site that the transcoder rebuilds") != std::string::npos);
  SteerHook blind(nano().dims(), target, {clamp}, &t);
  CHECK(testing::error_of([&] {
          blind.replace(target, spliced.rows, spliced.x);
        }).find("expected the source of a transcoder before its target") != std::string::npos);
}

TEST_CASE("several operators act in order, and each row's dose is counted") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const Operator first = on_features(Action::clamp, {5}, 2),
                 second = on_features(Action::scale, {5}, 3);
  Block one, other;
  SteerHook both(nano().dims(), encoder_site(), {first, second}, &sae);
  both.replace(encoder_site(), one.rows, one.x);
  SteerHook at_once(nano().dims(), encoder_site(), {on_features(Action::clamp, {5}, 6)}, &sae);
  at_once.replace(encoder_site(), other.rows, other.x);
  CHECK_CLOSE(one.x, other.x, 1e-6);

  const Block clean;
  double sum = 0, norms = 0;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t t = 0; t < clean.valid[static_cast<size_t>(b)]; ++t) {
      double squares = 0, norm = 0;
      for (int64_t i = 0; i < kD; ++i) {
        const double was = clean.x.view().sub(b).at(t, i);
        squares += std::pow(one.x.view().sub(b).at(t, i) - was, 2), norm += was * was;
      }
      sum += std::sqrt(squares), norms += std::sqrt(norm);
    }
  CHECK(both.dose().sum == doctest::Approx(sum).epsilon(1e-5));
  CHECK(both.dose().relative() == doctest::Approx(sum / norms).epsilon(1e-5));
}

TEST_CASE("directions: adding moves by strength x unit, removing leaves nothing along them") {
  std::vector<float> v(kD), w(kD);
  Rng rng(0, "directions");
  for (auto* one : {&v, &w})
    for (float& x : *one) x = static_cast<float>(rng.normal());
  Block block;
  const Tensor<float> before = block.x.clone();
  SteerHook add(nano().dims(), encoder_site(), {add_direction(v, -2, 3)});
  add.replace(encoder_site(), block.rows, block.x);
  double norm = 0;
  for (const float x : v) norm += static_cast<double>(x) * x;
  for (int64_t i = 0; i < kD; ++i)
    CHECK(block.x.view().sub(1).at(3, i) ==
          doctest::Approx(before.view().sub(1).at(3, i) -
                          6 * v[static_cast<size_t>(i)] / std::sqrt(norm))
              .epsilon(1e-5));
  CHECK(same(block.x.view().sub(1).row(4), before.view().sub(1).row(4), kD));  // padding

  Block other;
  const std::vector<std::vector<float>> both{v, w, v};  // one twice: dropped
  const Operator remove = remove_directions(both);
  CHECK(remove.directions.size() == 2 * kD);
  SteerHook hook(nano().dims(), encoder_site(), {remove});
  hook.replace(encoder_site(), other.rows, other.x);
  for (const auto* one : {&v, &w}) {
    double along = 0, before_along = 0;
    for (int64_t i = 0; i < kD; ++i) {
      along += static_cast<double>(other.x.view().sub(0).at(2, i)) * (*one)[static_cast<size_t>(i)];
      before_along +=
          static_cast<double>(before.view().sub(0).at(2, i)) * (*one)[static_cast<size_t>(i)];
    }
    CHECK(std::fabs(along) < 1e-4 * (1 + std::fabs(before_along)));
  }
}

TEST_CASE("only the rows that are asked for are edited") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const auto changed = [&](const Where& where, int step = -1, int64_t position = 0) {
    Operator op = on_features(Action::add, {4}, 3);
    op.where = where;
    Block block;
    const Tensor<float> before = block.x.clone();
    if (step >= 0) block.rows.pass = model::Pass::decoder_cached;
    block.rows.step = step, block.rows.position = position;
    SteerHook hook(nano().dims(), step >= 0 ? decoder_site() : encoder_site(), {op}, &sae);
    hook.replace(hook.site(), block.rows, block.x);
    std::string map;
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t t = 0; t < 6; ++t)
        map += same(block.x.view().sub(b).row(t), before.view().sub(b).row(t), kD) ? '.' : 'x';
    return map;
  };
  Where where;
  CHECK(changed(where) == "xxxxxxxxxx..");
  where.padding = true;
  CHECK(changed(where) == "xxxxxxxxxxxx");
  where = {};
  where.first = 2, where.end = 5;
  CHECK(changed(where) == "..xxx...xx..");
  CHECK(changed(where, 1, 3) == "xx....xx....");  // places 3 and 4 of a cached step
  where = {};
  where.first_step = 1, where.end_step = 3;
  CHECK(changed(where, 0) == "............");
  CHECK(changed(where, 2) == "xxxxxxxxxxxx");  // a step's own positions all count
  CHECK(changed(where, 3) == "............");
  CHECK(changed(where) == "xxxxxxxxxx..");  // no steps outside cached decoding
  where = {};
  where.ranges[3] = {{0, 1}, {3, 4}};
  CHECK(changed(where) == "......x..x..");
}

TEST_CASE("where it fires is where the code is over zero") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::jumprelu);
  Operator op = on_features(Action::add, {4, 11}, 3);
  op.where.firing = true;
  Block block;
  const Tensor<float> before = block.x.clone();
  SteerHook hook(nano().dims(), encoder_site(), {op}, &sae);
  hook.replace(encoder_site(), block.rows, block.x);
  int fired = 0;
  for (int64_t t = 0; t < 6; ++t) {
    double ignored = 0;
    const float* x = before.view().sub(0).row(t);
    const auto f = testing::dense_codes(sae, x, ignored);
    const bool fires = f[4] > 0 || f[11] > 0;
    CHECK(same(block.x.view().sub(0).row(t), x, kD) != fires);
    fired += fires ? 1 : 0;
  }
  CHECK(fired > 0);
  CHECK(fired < 6);
}

TEST_CASE("a control keeps the rows and the norm of an edit, and goes another way") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::jumprelu);
  const Operator op = on_features(Action::scale, {4, 11, 30}, 3);
  Block one, other, twice;
  const Block clean;
  SteerHook edit(nano().dims(), encoder_site(), {op}, &sae);
  edit.replace(encoder_site(), one.rows, one.x);
  SteerOptions options;
  options.redirect.assign(kD, 0);
  options.redirect[2] = -5;
  SteerHook control(nano().dims(), encoder_site(), {op}, &sae, options);
  control.replace(encoder_site(), other.rows, other.x);
  CHECK(control.dose().sum == doctest::Approx(edit.dose().sum).epsilon(1e-5));
  CHECK(control.dose().changed == edit.dose().changed);
  for (int64_t t = 0; t < 6; ++t) {
    CHECK(other.x.view().sub(0).at(t, 0) == clean.x.view().sub(0).at(t, 0));
    CHECK(other.x.view().sub(0).at(t, 2) <= clean.x.view().sub(0).at(t, 2));
  }
  SteerOptions doubled;
  doubled.gain = 2;
  SteerHook more(nano().dims(), encoder_site(), {op}, &sae, doubled);
  more.replace(encoder_site(), twice.rows, twice.x);
  CHECK(more.dose().sum == doctest::Approx(2 * edit.dose().sum).epsilon(1e-6));
}

TEST_CASE("the plain splice puts xhat in the place of every valid row") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const Operator op = on_features(Action::ablate, {4, 9}, 1);
  SteerOptions options;
  options.form = Form::splice;
  Block block;
  const Block clean;
  SteerHook hook(nano().dims(), encoder_site(), {op}, &sae, options);
  hook.replace(encoder_site(), block.rows, block.x);
  Tensor<float> want = clean.x.clone();
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t t = 0; t < clean.valid[static_cast<size_t>(b)]; ++t) {
      double multiply = 1;
      auto f = testing::dense_codes(sae, clean.x.view().sub(b).row(t), multiply);
      f[4] = f[9] = 0;
      for (int64_t i = 0; i < kD; ++i) {
        double xhat = sae.b_dec[i];
        for (size_t j = 0; j < f.size(); ++j) xhat += f[j] * sae.W_dec.at(int64_t(j), i);
        want.view().sub(b).at(t, i) = static_cast<float>(xhat);
      }
    }
  CHECK_CLOSE(block.x, want, 2e-6);
}

TEST_CASE("a strength that leaves the numbers behind is one clear line") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  Block block;
  SteerHook hook(nano().dims(), encoder_site(), {on_features(Action::add, {4}, 1e38, {1e3F})},
                 &sae);
  CHECK(testing::error_of([&] {
          hook.replace(encoder_site(), block.rows, block.x);
        }).find("the edit makes clip 7, place 0 infinite or not a number") != std::string::npos);
  // Finite where it is made, infinite at the end.
  const auto input = testing::nano_input();
  const Tensor<float> audio = nano().encode(input.mel);
  const Site out = find_site(nano().dims(), "decoder.out");
  SteerHook late(nano().dims(), out,
                 {add_direction(std::vector<float>(kD, 1), 1, 3e38 * std::sqrt(double{kD}))});
  Hook* const hooks[] = {&late};
  const std::string said =
      testing::error_of([&] { nano().decode_forced(audio, input.tokens, {}, hooks); });
  CHECK(said.find("infinite or not a number") != std::string::npos);
}

TEST_CASE("operators that do not fit are refused") {
  const sae::Sae sae = testing::random_sae(kD, 2 * kD, sae::Activation::relu);
  const auto refused = [&](Operator op, const sae::Sae* of, const char* words) {
    const std::string said =
        testing::error_of([&] { SteerHook(nano().dims(), encoder_site(), {std::move(op)}, of); });
    CAPTURE(said);
    CHECK(said.find(words) != std::string::npos);
  };
  refused(on_features(Action::clamp, {2 * kD}, 1), &sae, "expected features 0 to 255, got 256");
  refused(on_features(Action::clamp, {-1}, 1), &sae, "got -1");
  refused(on_features(Action::clamp, {}, 1), &sae, "expected features");
  refused(on_features(Action::clamp, {1}, NAN), &sae, "strength that is finite");
  refused(on_features(Action::clamp, {1}, 1, {1, 2}), &sae, "one unit a feature");
  refused(on_features(Action::clamp, {1}, 1, {INFINITY}), &sae, "units that are finite");
  refused(on_features(Action::exchange, {1, 2, 3}, 1), &sae, "in pairs");
  refused(on_features(Action::exchange, {1, 2}, 1, {1, 0}), &sae, "over 0");
  refused(on_features(Action::swap, {1}, 1), &sae, "codes of another clip");
  refused(on_features(Action::clamp, {1}, 1), nullptr, "there is no SAE");
  refused(add_direction(std::vector<float>(kD - 1, 1), 1, 1), &sae, "width 128, got 127 numbers");
  Operator bent = add_direction(std::vector<float>(kD, 1), 1, 1);
  bent.directions[0] = 3;
  refused(bent, &sae, "expected unit directions");
  const sae::Sae narrow = testing::random_sae(kD / 2, kD, sae::Activation::relu);
  refused(on_features(Action::clamp, {1}, 1), &narrow, "expected an SAE of width 128, got 64");
  CHECK(testing::error_of([&] {
          SteerHook(nano().dims(), find_site(nano().dims(), "encoder.blocks.0.attn_pattern"), {});
        }).find("one row per position") != std::string::npos);
  CHECK(testing::error_of([] { action_named("recipe", "clmap"); }).find("clamp") !=
        std::string::npos);
}

}  // namespace otoscope::steer
