#include "otoscope/circuits/trace.h"

#include <doctest/doctest.h>

#include <numeric>
#include <set>

#include "circuits/nano_circuit.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::circuits;
using namespace otoscope::testing;
using model::Point;
using model::Site;
using model::Stack;

namespace {

struct Traced : NanoTrace {
  explicit Traced(int64_t frames = 40, const TraceOptions& options = {})
      : NanoTrace(nano_transcoders(), frames, 4, options) {}
};

int count(const Graph& graph, NodeKind kind) {
  int n = 0;
  for (const Node& node : graph.nodes) n += node.kind == kind;
  return n;
}

/// The model with MLPs that give what they gave, plus `delta` at one place: pre-activations of the
/// frozen map.
double pre_activation(const Traced& t, const Node& node,
                      const std::function<void(const Site&, View<float>)>& change) {
  const auto values = t.frozen.forward(
      t.frozen.value({Stack::encoder, Point::conv2, -1}),
      t.frozen.value({Stack::decoder, Point::embed, -1}),
      [&](const Site& site, View<const float> ln2, View<const float>, View<float> out) {
        const View<const float> kept = t.frozen.value(site);
        std::copy_n(kept.data, kept.size(), out.data);
        // A skip comes on top of what the call gives: take the recorded one out.
        for (int l = 0; l < t.transcoders.layers(); ++l) {
          const auto* layer = t.transcoders.layer(l);
          if (layer == nullptr || !(layer->write == site) || layer->sae.W_skip.empty()) continue;
          const View<const float> recorded = t.frozen.value(layer->read);
          for (int64_t r = 0; r < out.rows(); ++r)
            for (int64_t i = 0; i < out.width(); ++i)
              for (int64_t j = 0; j < out.width(); ++j)
                out.at(r, i) -= layer->sae.W_skip.at(i, j) * recorded.at(r, j);
        }
        (void)ln2;
        change(site, out);
      });
  const auto* layer = t.transcoders.layer(node.layer);
  double sum = 0;
  const View<const float> x = values.at(layer->read);
  sae::Encoder encoder(layer->sae);
  SparseRows codes;
  encoder.encode(t.frozen.value(layer->read), codes);
  auto pre = Tensor<float>::uninitialized({x.rows(), layer->sae.F()});
  encoder.pre_activations(x, pre);
  for (int64_t p = node.begin; p < node.end; ++p)
    for (int64_t e = codes.indptr[static_cast<size_t>(p)];
         e < codes.indptr[static_cast<size_t>(p + 1)]; ++e)
      if (codes.indices[static_cast<size_t>(e)] == node.feature)
        sum += static_cast<double>(pre.at(p, node.feature));
  return sum;
}

}  // namespace

TEST_CASE("every node's edges and bias add up to what it really is, and logits to the real ones") {
  for (const int64_t frames : {int64_t{40}, int64_t{100}, int64_t{1}}) {
    CAPTURE(frames);
    const Traced t(frames);
    const Graph& graph = t.graph;
    CHECK(graph.check.holds());
    CHECK(graph.check.worst < 1e-5);
    CHECK(graph.check.worst_logit < 1e-4);
    CHECK(graph.check.targets > static_cast<int64_t>(t.targets.size()));
    CHECK(count(graph, NodeKind::padding) == 1);
    REQUIRE(graph.figures.layers.size() == 3);
    for (const LayerFigures& layer : graph.figures.layers) {
      CHECK(layer.l0 > 0);
      CHECK(layer.fvu > 0);  // random transcoders explain nothing
      CHECK(std::isfinite(layer.fvu));
    }
    CHECK(count(graph, NodeKind::token) == 5);
    CHECK(count(graph, NodeKind::frame) == (frames + 4) / 5);
    // Pre-activations of explored features are those that the encoder itself computes.
    for (const Node& node : graph.nodes)
      if (node.target && node.kind == NodeKind::feature)
        CHECK(node.pre_activation == doctest::Approx(node.activation).epsilon(1e-4));
  }
}

TEST_CASE("the check fails where an edge is lost") {
  // The same sums with one source left out would not pass: the check can fail.
  const Traced t;
  const Node& logit = t.graph.nodes.back();
  REQUIRE(logit.kind == NodeKind::logit);
  double largest = 0;
  for (const Edge& edge : t.graph.adjacency.rows.back())
    largest = std::max(largest, std::abs(edge.weight));
  CHECK(largest / logit.input_size > 1e-3);
  CHECK(std::abs(logit.bias) / logit.input_size > 1e-3);
}

TEST_CASE("a source moved by a tenth moves its targets by a tenth of its edges") {
  const Traced t;
  int tested = 0;
  for (int32_t target = 0; target < static_cast<int32_t>(t.graph.nodes.size()); ++target) {
    const Node& node = t.graph.nodes[static_cast<size_t>(target)];
    if (!node.target || node.kind != NodeKind::feature || target % 7 != 0) continue;
    for (const Edge& edge : t.graph.adjacency.rows[static_cast<size_t>(target)]) {
      const Node& source = t.graph.nodes[static_cast<size_t>(edge.source)];
      if (source.kind != NodeKind::feature || std::abs(edge.weight) < 0.005 * node.input_size)
        continue;
      const auto* layer = t.transcoders.layer(source.layer);
      sae::Encoder encoder(layer->sae);
      SparseRows codes;
      encoder.encode(t.frozen.value(layer->read), codes);
      const double before = pre_activation(t, node, [](const Site&, View<float>) {});
      const double after = pre_activation(t, node, [&](const Site& site, View<float> out) {
        if (!(site == layer->write)) return;
        for (int64_t p = source.begin; p < source.end; ++p)
          for (int64_t e = codes.indptr[static_cast<size_t>(p)];
               e < codes.indptr[static_cast<size_t>(p + 1)]; ++e)
            if (codes.indices[static_cast<size_t>(e)] == source.feature)
              for (int64_t j = 0; j < out.width(); ++j)
                out.at(p, j) += 0.1f * codes.values[static_cast<size_t>(e)] *
                                layer->sae.W_dec.at(source.feature, j);
      });
      CHECK(after - before == doctest::Approx(0.1 * edge.weight).epsilon(0.01).scale(1e-3));
      ++tested;
      break;
    }
    if (tested == 6) break;
  }
  CHECK(tested == 6);
}

TEST_CASE("neither the number of targets at once nor the exploration's order changes a row") {
  const Traced all;
  TraceOptions few;
  few.max_nodes = 20;
  const Traced some(40, few);
  CHECK(some.graph.figures.explored == 20);
  CHECK(all.graph.figures.explored > 20);
  int compared = 0;
  for (size_t i = 0; i < some.graph.nodes.size(); ++i) {
    const Node &a = some.graph.nodes[i], &b = all.graph.nodes[i];
    if (!a.target) continue;
    CHECK(a.bias == b.bias);
    CHECK(a.input == doctest::Approx(b.input).epsilon(1e-4));
    ++compared;
  }
  CHECK(compared == 20 + static_cast<int>(some.targets.size()));
  // What was not explored is rest, so less explored never looks more complete.
  CHECK(some.graph.figures.rest_share > all.graph.figures.rest_share);
  CHECK(some.graph.figures.replacement <= all.graph.figures.replacement + 1e-9);
}

TEST_CASE("decoder positions before the first that transcoders know are errors, sums stay exact") {
  TraceOptions options;
  options.first_token = 3;
  const Traced all, some(40, options);
  CHECK(some.graph.check.holds());
  int before = 0, after = 0, dropped = 0;
  for (const Node& node : all.graph.nodes)
    if (node.kind == NodeKind::feature && node.stack == Stack::decoder)
      ++(node.begin < 3 ? before : after);
  for (const Node& node : some.graph.nodes)
    if (node.kind == NodeKind::feature && node.stack == Stack::decoder) {
      CHECK(node.begin >= 3);
      ++dropped;
    }
  CHECK(before > 0);
  CHECK(dropped == after);
}

TEST_CASE("edges left out of a row are its rest: sums stay exact") {
  TraceOptions options;
  options.top_sources = 10;
  const Traced t(40, options);
  CHECK(t.graph.check.holds());
  for (size_t i = 0; i < t.graph.nodes.size(); ++i) {
    if (!t.graph.nodes[i].target) continue;
    const auto& row = t.graph.adjacency.rows[i];
    CHECK(row.size() <= 10);
    double sum = t.graph.adjacency.rest[i];
    for (const Edge& edge : row) sum += std::abs(edge.weight);
    CHECK(sum == doctest::Approx(t.graph.nodes[i].input_size));
  }
}

TEST_CASE("layers order the graph: no edge leads down, names are unique") {
  const Traced t;
  std::set<std::string> names;
  for (size_t i = 0; i < t.graph.nodes.size(); ++i) {
    CHECK(names.insert(node_id(t.graph, static_cast<int>(i))).second);
    for (const Edge& edge : t.graph.adjacency.rows[i]) {
      CHECK(t.graph.nodes[static_cast<size_t>(edge.source)].layer < t.graph.nodes[i].layer);
      // Tokens after a target have no say in it.
      const Node& source = t.graph.nodes[static_cast<size_t>(edge.source)];
      if (source.stack == Stack::decoder && t.graph.nodes[i].stack == Stack::decoder)
        CHECK(source.begin <= t.graph.nodes[i].begin);
    }
  }
}

TEST_CASE("a contrast is the difference of two logits, a span has a target for each token") {
  const NanoClip clip = nano_clip();
  const Transcoders transcoders = nano_transcoders();
  model::FrozenModel frozen(nano(), clip.mel, clip.tokens, 40);
  const View<const float> logits = frozen.value(kLogits);
  const LogitTarget contrast = contrast_target(logits, nano_tokenizer(), 7, 9);
  const Graph graph = trace(frozen, nano(), transcoders, std::span(&contrast, 1));
  const Node& node = graph.nodes.back();
  CHECK(node.input + node.bias ==
        doctest::Approx(double(logits.at(4, 7)) - double(logits.at(4, 9))).epsilon(1e-4));
  CHECK(graph.check.holds());
  const auto span = span_targets(logits, nano_tokenizer(), clip.tokens.view().span(), 2, 5);
  REQUIRE(span.size() == 3);
  CHECK(trace(frozen, nano(), transcoders, span).check.holds());
  CHECK(error_of([&] {
          contrast_target(logits, nano_tokenizer(), 7, 7);
        }).starts_with("[--contrast]"));
  CHECK(error_of([&] {
          span_targets(logits, nano_tokenizer(), clip.tokens.view().span(), 4, 9);
        }).starts_with("[--span]"));
}

TEST_CASE("transcoders that the exact map cannot hold are refused with the reason") {
  const auto refused = [](const std::function<void(sae::Sae&)>& change) {
    return error_of([&] {
      std::vector<sae::Sae> saes;
      saes.push_back(nano_transcoder(Stack::encoder, 0));
      change(saes[0]);
      Transcoders(std::move(saes), nano().dims());
    });
  };
  CHECK(refused([](sae::Sae& s) { s.target_site.clear(); }).find("there is attribution") !=
        std::string::npos);
  CHECK(refused([](sae::Sae& s) { s.site = "encoder.blocks.1.ln2"; }).find("expected the input") !=
        std::string::npos);
  CHECK(refused([](sae::Sae& s) { s.normalize = sae::Normalize::layer_norm; }).find("affine") !=
        std::string::npos);
  CHECK(refused([](sae::Sae& s) { s.target_site = "encoder.out"; }).find("mlp_out") !=
        std::string::npos);
  const std::string twice = error_of([] {
    std::vector<sae::Sae> saes;
    saes.push_back(nano_transcoder(Stack::encoder, 0));
    saes.push_back(nano_transcoder(Stack::encoder, 0));
    Transcoders(std::move(saes), nano().dims());
  });
  CHECK(twice.find("a second of encoder.blocks.0.mlp_out") != std::string::npos);
  TraceOptions options;
  options.memory = 1e-6;
  CHECK(error_of([&] { Traced(40, options); }).starts_with("[--memory] expected room"));
}
