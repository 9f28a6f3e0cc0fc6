// Graphs whose features write into several blocks.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "circuits/free_run.h"
#include "circuits/nano_circuit.h"
#include "otoscope/circuits/intervene.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::circuits;
using namespace otoscope::testing;
using model::Point;
using model::Site;
using model::Stack;

namespace {

/// The encoder's two blocks as one dictionary. ahead 0: nothing is written ahead.
sae::Joint nano_cross_layer(float ahead, Stack stack = Stack::encoder) {
  sae::Joint joint;
  joint.sources = joint.outputs = 2;
  const sae::Sae first = nano_transcoder(stack, 0), second = nano_transcoder(stack, 1);
  const int64_t d = first.d(), F = first.F();
  sae::Sae& all = joint.sae;
  all.W_enc = Tensor<float>({2 * F, d}), all.W_dec = Tensor<float>({2 * F, 2 * d});
  all.b_enc = Tensor<float>(Shape{2 * F}), all.b_dec = Tensor<float>(Shape{2 * d});
  Rng rng(8, "ahead");
  for (int64_t f = 0; f < 2 * F; ++f) {
    const sae::Sae& own = f < F ? first : second;
    for (int64_t i = 0; i < d; ++i) {
      all.W_enc.at(f, i) = own.W_enc.at(f % F, i);
      all.W_dec.at(f, (f < F ? 0 : d) + i) = own.W_dec.at(f % F, i);
      if (f < F) all.W_dec.at(f, d + i) = ahead * static_cast<float>(0.05 * rng.normal());
    }
    all.b_enc[f] = own.b_enc[f % F];
  }
  for (int64_t i = 0; i < 2 * d; ++i) all.b_dec[i] = (i < d ? first : second).b_dec[i % d];
  all.activation = sae::Activation::relu;
  all.apply_b_dec_to_input = false;
  for (int block = 0; block < 2; ++block) {
    joint.inputs.push_back({model::site_name({stack, Point::ln2, block}), "", "", d, 1});
    joint.targets.push_back({model::site_name({stack, Point::mlp_out, block}), "", "", d, 1});
  }
  return joint;
}

Transcoders crossed(float ahead) {
  std::vector<sae::Sae> saes;
  saes.push_back(nano_transcoder(Stack::decoder, 0, false, true));
  std::vector<sae::Joint> joints;
  joints.push_back(nano_cross_layer(ahead));
  return {std::move(saes), nano().dims(), joints};
}

using Crossed = NanoTrace;

}  // namespace

TEST_CASE("sums stay exact where features write into the blocks after theirs") {
  for (const int64_t frames : {int64_t{40}, int64_t{100}}) {
    CAPTURE(frames);
    const Crossed t(crossed(1), frames);
    CHECK(t.graph.check.holds());
    CHECK(t.graph.check.worst < 1e-5);
    CHECK(t.graph.check.worst_logit < 1e-4);
    REQUIRE(t.graph.figures.layers.size() == 3);
    for (const Node& node : t.graph.nodes)
      if (node.target && node.kind == NodeKind::feature)
        CHECK(node.pre_activation == doctest::Approx(node.activation).epsilon(1e-4));
  }
  CHECK(crossed(1).writers(0) == std::vector<int>{0});
  CHECK(crossed(1).writers(1) == std::vector<int>{0, 1});
  CHECK(crossed(1).writers(2) == std::vector<int>{2});
  CHECK(crossed(1).writers(3).empty());
}

TEST_CASE("what is written ahead makes edges that a transcoder a block does not have") {
  std::vector<sae::Sae> plain;
  for (int block = 0; block < 2; ++block) {
    plain.push_back(nano_transcoder(Stack::encoder, block));
    plain.back().apply_b_dec_to_input = false;
  }
  plain.push_back(nano_transcoder(Stack::decoder, 0, false, true));
  const Crossed each(Transcoders(std::move(plain), nano().dims())), none(crossed(0)),
      one(crossed(1));
  // With nothing written ahead it is the transcoders of two blocks, node by node.
  REQUIRE(each.graph.nodes.size() == none.graph.nodes.size());
  double largest = 0, moved = 0;
  for (size_t i = 0; i < each.graph.nodes.size(); ++i) {
    const Node &a = each.graph.nodes[i], &b = none.graph.nodes[i];
    CHECK(a.layer == b.layer);
    CHECK(a.feature == b.feature);
    if (!a.target || !b.target) continue;
    CHECK(a.input == doctest::Approx(b.input).epsilon(1e-4).scale(1e-3));
    CHECK(a.bias == doctest::Approx(b.bias).epsilon(1e-5).scale(1e-4));
  }
  // Codes are those of the recorded input in all three, errors and edges are not.
  const auto edges_of = [](const Crossed& t) { return t.graph.adjacency.rows.back(); };
  const auto x = edges_of(none), y = edges_of(one);
  for (const Edge& edge : x) {
    largest = std::max(largest, std::fabs(edge.weight));
    const Node& source = none.graph.nodes[static_cast<size_t>(edge.source)];
    if (source.kind != NodeKind::feature || source.layer != 0) continue;
    for (const Edge& other : y)
      if (other.source == edge.source)
        moved = std::max(moved, std::fabs(other.weight - edge.weight));
  }
  CHECK(moved > 1e-3 * largest);
}

TEST_CASE("with all else held a target changes by the edge of a feature that writes ahead") {
  const Crossed t(crossed(1));
  const Sources sources = list_sources(t.frozen, t.transcoders, t.graph.pool, t.graph.gap, 0);
  const Replacement replacement(t.frozen, t.transcoders, sources);
  const TargetReader reader(nano(), t.transcoders, sources, t.targets, t.graph);
  const auto read = [&](const Replacement::Gate& gate) {
    const auto values = replacement.constrained(gate);
    return reader.read([&](const Site& site) { return values.at(site); });
  };
  const auto before = read([](int, int64_t, int32_t, float value) { return value; });
  int tested = 0;
  for (size_t target = t.graph.nodes.size(); target-- > 0 && tested < 8;) {
    if (!t.graph.nodes[target].target) continue;
    Edge best{-1, 0};
    for (const Edge& edge : t.graph.adjacency.rows[target]) {
      const Node& source = t.graph.nodes[static_cast<size_t>(edge.source)];
      const bool first = source.kind == NodeKind::feature && source.layer == 0;
      if (first && std::fabs(edge.weight) > std::fabs(best.weight)) best = edge;
    }
    if (best.source < 0 || std::fabs(best.weight) < 1e-2 * t.graph.nodes[target].input_size)
      continue;
    const Node& source = t.graph.nodes[static_cast<size_t>(best.source)];
    const auto after = read([&](int layer, int64_t position, int32_t feature, float value) {
      const bool it = layer == 0 && feature == source.feature && position >= source.begin &&
                      position < source.end;
      return it ? 0.0f : value;
    });
    CHECK(after[target] - before[target] == doctest::Approx(-best.weight).epsilon(2e-3));
    ++tested;
  }
  CHECK(tested == 8);
}

TEST_CASE("gradient x activation counts all that a feature writes") {
  const Crossed t(crossed(1));
  const Sources sources = list_sources(t.frozen, t.transcoders, t.graph.pool, t.graph.gap, 0);
  const Replacement replacement(t.frozen, t.transcoders, sources);
  const FreeModel free(t.frozen, nano(), t.clip.mel, t.clip.tokens, t.transcoders, replacement);
  const TargetReader reader(nano(), t.transcoders, sources, t.targets, t.graph);
  const auto metric = [&](const Replacement::Gate& gate) {
    const model::Recorder seen = free.run(gate, false);
    return reader.metric([&](const Site& site) { return seen.last(site).view().sub(0); });
  };
  const auto effects = effects_of(free.mean_gradients(t.targets, 1), t.transcoders, sources);
  size_t strongest = 0;
  for (size_t i = 0; i < effects.size(); ++i)
    if (sources.nodes[i].layer == 0 && std::fabs(effects[i]) > std::fabs(effects[strongest]))
      strongest = i;
  const Node& node = sources.nodes[strongest];
  REQUIRE(node.layer == 0);
  const auto moved = [&](float factor) {
    return metric([&](int layer, int64_t position, int32_t feature, float value) {
      const bool it = layer == node.layer && feature == node.feature && position >= node.begin &&
                      position < node.end;
      return it ? factor * value : value;
    });
  };
  const double slope = (moved(1.05f) - moved(0.95f)) / 0.1;
  CHECK(std::fabs(slope) > 1e-5);
  CHECK(effects[strongest] == doctest::Approx(slope).epsilon(0.02));
  // And its features as a circuit: the replacement model of everything is the real model.
  CircuitTestOptions few;
  few.draws = 2, few.free_draws = 1, few.steps = 2, few.tested = 2;
  const GraphCircuit circuit = test_circuit(t.frozen, nano(), t.clip.mel, t.clip.tokens,
                                            t.transcoders, t.targets, t.graph, few);
  CHECK(circuit.all == doctest::Approx(circuit.free_all).epsilon(1e-4));
}

TEST_CASE("cross-layer transcoders that the map cannot hold are refused with the reason") {
  const auto refused = [](const std::function<void(sae::Joint&)>& change,
                          std::vector<sae::Sae> beside = {}) {
    return error_of([&] {
      std::vector<sae::Joint> joints;
      joints.push_back(nano_cross_layer(1));
      change(joints[0]);
      Transcoders(std::move(beside), nano().dims(), joints);
    });
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(has(refused([](sae::Joint& j) { j.sources = 1, j.targets.clear(); }), "got a crosscoder"));
  CHECK(has(refused([](sae::Joint& j) { j.targets[1].site.clear(); }), "otoscope.json"));
  CHECK(has(refused([](sae::Joint& j) { j.targets[1].site = j.targets[0].site; }),
            "one after the other"));
  CHECK(has(refused([](sae::Joint& j) { j.inputs[1].site = "encoder.blocks.0.ln2"; }),
            "expected the input"));
  std::vector<sae::Sae> beside;
  beside.push_back(nano_transcoder(Stack::encoder, 1));
  CHECK(
      has(refused([](sae::Joint&) {}, std::move(beside)), "a second of encoder.blocks.1.mlp_out"));
}
