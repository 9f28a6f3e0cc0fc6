#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "model/paths.h"
#include "otoscope/core/rng.h"
#include "otoscope/io/json.h"
#include "otoscope/model/vjp.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace {

Site site(const char* name) { return find_site(nano().dims(), name); }

const Tape& tape() {
  static const Tape recorded(nano(), nano_input().mel, nano_input().tokens);
  return recorded;
}

/// Autograd's entries above the diagonal of a causal pattern belong to values that are constant.
void drop_unseen(const Site& where, Tensor<float>& x) {
  if (where.stack != Stack::decoder || where.point != Point::attn_pattern) return;
  const int64_t S = x.shape()[3];
  for (int64_t i = 0; i < x.size(); ++i)
    if (i % S > (i / S) % S) x[i] = 0;
}

/// Autograd ran in fp64; we sum hundreds of products in fp32 through up to four layers and back.
constexpr double kTolerance = 2e-5;

void check_group(const char* group, const char* read, const Freeze& freeze) {
  const auto want = io::Safetensors::open(golden("whisper_nano_grads.safetensors"));
  const auto norms = io::read_json(golden("whisper_nano_norms.json"));
  const Tensor<int64_t> rows = want.integers("encoder_rows");
  const Tensor<float> cotangent = want.floats(std::string("cotangent/") + read);
  const Cotangent reads[] = {{site(read), cotangent.view()}};
  std::vector<Site> writes;
  for (const Site& s : all_sites(nano().dims()))
    if (std::string_view(read) == "logits" || s.stack == Stack::encoder) writes.push_back(s);
  std::vector<Tensor<float>> got = tape().gradients(reads, writes, freeze);
  REQUIRE(got.size() == writes.size());
  int compared = 0;
  for (size_t i = 0; i < writes.size(); ++i) {
    const std::string name = site_name(writes[i]), key = std::string(group) + "/" + name;
    CAPTURE(key);
    if (!want.has(key)) {
      if (writes[i] == site(read)) continue;  // its gradient is the cotangent itself
      for (const float v : got[i].view().span()) REQUIRE(v == 0.0f);
      continue;
    }
    ++compared;
    const int axis = cut_axis(writes[i], got[i].shape().rank());
    Tensor<float> kept = cut(got[i], axis, rows), expected = want.floats(key);
    drop_unseen(writes[i], kept), drop_unseen(writes[i], expected);
    CHECK_CLOSE(kept, expected, kTolerance);
    if (writes[i].point == Point::attn_pattern && writes[i].stack == Stack::decoder) continue;
    double squares = 0;
    for (const float v : got[i].view().span()) squares += double(v) * double(v);
    CHECK(std::sqrt(squares) ==
          doctest::Approx(norms[group][name]["norm"].get<double>()).epsilon(kTolerance));
  }
  CHECK(compared > 30);
}

}  // namespace

TEST_CASE("gradients of encoder.out equal PyTorch's at every site") {
  check_group("a", "encoder.out", {});
}

TEST_CASE("gradients of the logits equal PyTorch's at every site, back to the mel") {
  check_group("b", "logits", {});
}

TEST_CASE("with patterns, scales and gates frozen they equal PyTorch's too") {
  check_group("c", "logits", {true, true, true});
}

TEST_CASE("many reads at once give the sum of their gradients") {
  Rng rng(7, "cotangents");
  const std::vector<Site> reads = {site("logits"), site("encoder.blocks.0.attn_pattern"),
                                   site("decoder.blocks.1.cross_attn_scores"),
                                   site("decoder.blocks.0.ln2.scale"), site("encoder.conv1")};
  const std::vector<Site> writes = {site("encoder.mel"), site("encoder.blocks.0.q"),
                                    site("encoder.blocks.1.resid_pre"),
                                    site("decoder.blocks.0.attn_scores"), site("decoder.embed")};
  std::vector<Tensor<float>> values;
  std::vector<Cotangent> all;
  std::vector<Tensor<float>> sum;
  for (const Site& read : reads) {
    Tensor<float> c(tape().value(read).shape);
    for (float& v : c.view().span()) v = static_cast<float>(rng.normal());
    values.push_back(std::move(c));
    all.push_back({read, values.back().view()});
    const std::vector<Tensor<float>> one = tape().gradients(std::span(&all.back(), 1), writes);
    for (size_t i = 0; i < writes.size(); ++i) {
      if (sum.size() <= i) sum.emplace_back(one[i].shape());
      for (int64_t j = 0; j < one[i].size(); ++j) sum[i][j] += one[i][j];
    }
  }
  const std::vector<Tensor<float>> together = tape().gradients(all, writes);
  for (size_t i = 0; i < writes.size(); ++i) {
    CAPTURE(site_name(writes[i]));
    CHECK_CLOSE(together[i], sum[i], 1e-4);
  }
}

TEST_CASE("a tape's values are those of the forward, scores and patterns included") {
  Recorder recorder(all_sites(nano().dims()));
  Hook* const hooks[] = {&recorder};
  const NanoInput input = nano_input();
  nano().decode_forced(nano().encode(input.mel, {}, hooks), input.tokens, {}, hooks);
  for (const Site& s : all_sites(nano().dims())) {
    CAPTURE(site_name(s));
    CHECK(same_bits(tape().value(s), recorder.last(s)));
  }
}

TEST_CASE("gradients predict what a small edit does") {
  // Central differences of <c, logits> along a random direction at each of these sites, in fp32:
  // the step is large against rounding and small against curvature.
  Rng rng(11, "directions");
  Tensor<float> c(tape().value(site("logits")).shape);
  for (float& v : c.view().span()) v = static_cast<float>(rng.normal());
  const Cotangent reads[] = {{site("logits"), c.view()}};
  const NanoInput input = nano_input();
  for (const char* name :
       {"encoder.blocks.1.z", "encoder.blocks.0.resid_post", "encoder.blocks.1.attn_pattern",
        "encoder.blocks.1.ln2.scale", "decoder.blocks.0.cross_k", "decoder.blocks.1.mlp_pre"}) {
    CAPTURE(name);
    const Site where = site(name);
    const std::vector<Tensor<float>> g = tape().gradients(reads, std::span(&where, 1));
    Tensor<float> direction(g[0].shape());
    for (float& v : direction.view().span()) v = static_cast<float>(rng.normal());
    double predicted = 0, size = 0;
    for (int64_t i = 0; i < g[0].size(); ++i) {
      direction[i] += g[0][i];  // not orthogonal to the gradient
      predicted += double(g[0][i]) * double(direction[i]);
      size += std::abs(double(tape().value(where)[i])) / double(g[0].size());
    }
    const auto value = [&](double h) {
      Edit edit(where, [&](const Rows&, View<float> x) {
        for (int64_t i = 0; i < x.size(); ++i) x[i] += static_cast<float>(h) * direction[i];
      });
      Hook* const hooks[] = {&edit};
      const Tensor<float> logits =
          nano().decode_forced(nano().encode(input.mel, {}, hooks), input.tokens, {}, hooks);
      double sum = 0;
      for (int64_t i = 0; i < c.size(); ++i) sum += double(c[i]) * double(logits[i]);
      return sum;
    };
    double largest = 0;
    for (const float v : direction.view().span()) largest = std::max(largest, std::abs(double(v)));
    const double h = 1e-3 * size / largest;
    const double slope = (value(h) - value(-h)) / (2 * h);
    CHECK(slope == doctest::Approx(predicted).epsilon(0.02));
  }
}

TEST_CASE("an edited site is a leaf, unless gradients are asked to pass through") {
  const NanoInput input = nano_input();
  const Site mid = site("encoder.blocks.1.resid_mid"), post = site("encoder.blocks.1.resid_post"),
             pre = site("encoder.blocks.0.resid_pre");
  Edit edit(mid, [](const Rows&, View<float> x) {
    for (float& v : x.span()) v += 0.25f;
  });
  Hook* const hooks[] = {&edit};
  const Tensor<float> c = Tensor<float>::copy_of(tape().value(site("encoder.out")));
  const Cotangent reads[] = {{site("encoder.out"), c.view()}};
  const Site writes[] = {post, mid, pre};
  const Tape leaf(nano(), input.mel, {}, {}, hooks), open(nano(), input.mel, {}, {}, hooks, true);
  const auto stopped = leaf.gradients(reads, writes), passed = open.gradients(reads, writes);
  const auto norm = [](const Tensor<float>& x) {
    return relative_error(x, Tensor<float>(x.shape()));
  };
  CHECK(same_bits(stopped[0], passed[0]));
  CHECK(same_bits(stopped[1], passed[1]));
  CHECK(norm(stopped[1]) > 0);
  CHECK(norm(stopped[2]) == 0);
  CHECK(norm(passed[2]) > 0);
}

TEST_CASE("a tape taken up in the encoder has the gradients of the whole one, and none before") {
  const NanoInput input = nano_input();
  Rng rng(13, "cotangents");
  Tensor<float> c(tape().value(site("logits")).shape);
  for (float& v : c.view().span()) v = static_cast<float>(rng.normal());
  const Cotangent reads[] = {{site("logits"), c.view()}};
  const Site writes[] = {site("decoder.blocks.0.mlp_out"),    site("encoder.out"),
                         site("encoder.blocks.1.resid_post"), site("encoder.blocks.1.resid_mid"),
                         site("encoder.blocks.0.resid_post"), site("encoder.embed")};
  const auto want = tape().gradients(reads, writes);
  for (size_t start = 1; start < std::size(writes); ++start) {
    CAPTURE(site_name(writes[start]));
    const Tape part =
        Tape::resumed(nano(), writes[start], tape().value(writes[start]), input.tokens);
    const auto got = part.gradients(reads, writes);
    for (size_t i = 0; i < std::size(writes); ++i) {
      CAPTURE(site_name(writes[i]));
      if (i <= start)
        CHECK_CLOSE(got[i], want[i], 1e-6);
      else
        for (const float v : got[i].view().span()) REQUIRE(v == 0.0f);
    }
  }
}

TEST_CASE("a tape refuses what it cannot answer") {
  const Tape encoder(nano(), nano_input().mel, {});
  const Tensor<float> wrong({1, 2, 3});
  const Cotangent read[] = {{site("encoder.out"), wrong.view()}};
  const Site logits[] = {site("logits")};
  CHECK(error_of([&] { encoder.gradients(read, {}); }) ==
        "[read encoder.out] expected a cotangent of shape (2, 100, 128), got (1, 2, 3).");
  CHECK(error_of([&] {
          encoder.gradients({}, logits);
        }).starts_with("[write] expected a site of the encoder, got logits."));
  CHECK(error_of([&] { encoder.value(logits[0]); }).starts_with("[tape] expected a site"));
}
