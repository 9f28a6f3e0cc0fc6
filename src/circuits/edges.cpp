#include "circuits/edges.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "circuits/directions.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::circuits {
namespace {

using model::Point;
using model::Site;
using model::Stack;

const Site kOut{Stack::decoder, Point::out, -1};

/// The `top` largest edges of a row; the others are summed up.
void keep_row(const std::vector<double>& sums, int64_t N, int64_t n, int64_t sources, int top,
              std::vector<Edge>& row, double& rest, Node& node) {
  row.clear();
  rest = 0;
  for (int64_t s = 0; s < sources; ++s) {
    const double weight = sums[static_cast<size_t>(s * N + n)];
    if (weight == 0) continue;
    node.input += weight;
    node.input_size += std::fabs(weight);
    row.push_back({static_cast<int32_t>(s), weight});
  }
  if (static_cast<int64_t>(row.size()) > top) {
    const auto larger = [](const Edge& a, const Edge& b) {
      const double x = std::fabs(a.weight), y = std::fabs(b.weight);
      return x != y ? x > y : a.source < b.source;
    };
    std::nth_element(row.begin(), row.begin() + top, row.end(), larger);
    for (auto it = row.begin() + top; it != row.end(); ++it) rest += std::fabs(it->weight);
    row.resize(static_cast<size_t>(top));
    row.shrink_to_fit();  // it had room for every source: 6 MB a target on 30 s
    std::sort(row.begin(), row.end(),
              [](const Edge& a, const Edge& b) { return a.source < b.source; });
  }
}

}  // namespace

EdgeMaker::EdgeMaker(const model::FrozenModel& frozen, const model::Whisper& model,
                     const Transcoders& transcoders, const Sources& sources,
                     std::span<const LogitTarget> targets)
    : frozen_(frozen),
      transcoders_(transcoders),
      sources_(sources),
      targets_(targets),
      directions_(logit_directions(model::unembedding(model), targets)),
      first_logit_(static_cast<int64_t>(sources.nodes.size())),
      biases_(frozen.forward(
          {}, {},
          [&](const Site& site, View<const float>, View<const float>, View<float> out) {
            const int layer =
                site.block + (site.stack == Stack::decoder ? model.dims().n_audio_layer : 0);
            const auto* transcoder = transcoders.layer(layer);
            if (transcoder != nullptr) kernels::add_rows(transcoder->sae.b_dec, out);
          },
          false)) {}

std::vector<model::FrozenRead> EdgeMaker::reads_of(std::span<const int32_t> targets,
                                                   std::span<const Node> nodes) const {
  std::vector<model::FrozenRead> reads;
  const Shape row{directions_.shape()[1]};
  for (size_t n = 0; n < targets.size(); ++n) {
    const int64_t id = targets[n];
    if (id >= first_logit_) {
      const int64_t i = id - first_logit_;
      reads.push_back({kOut,
                       targets_[static_cast<size_t>(i)].position,
                       static_cast<int64_t>(n),
                       {directions_.view().row(i), row}});
      continue;
    }
    const Node& node = nodes[static_cast<size_t>(id)];
    const auto* transcoder = transcoders_.layer(node.layer);
    for (const Sources::Member& member : sources_.members[static_cast<size_t>(id)])
      reads.push_back({transcoder->read,
                       member.position,
                       static_cast<int64_t>(n),
                       {transcoder->sae.W_enc.view().row(node.feature), row}});
  }
  return reads;
}

void EdgeMaker::contract_layer(int into, View<const float> g, std::vector<double>& sums) const {
  const int64_t T = g.shape[0], N = g.shape[1], d = g.shape[2];
  const SourceLayer& own = sources_.layers[static_cast<size_t>(into)];
  const std::vector<int> writers = transcoders_.writers(into);
  Tensor<float> rows, products;
  std::vector<std::pair<int32_t, double>> sources;  // node, value
  for (int64_t t = 0; t < T; ++t) {
    const auto begin = static_cast<size_t>(t);
    int64_t active = 0;
    for (const int from : writers) {
      const auto& indptr = sources_.layers[static_cast<size_t>(from)].codes.indptr;
      active += indptr[begin + 1] - indptr[begin];
    }
    // A few sizes only: every new one is a product to compile.
    const int64_t padded = (active + 1 + 15) / 16 * 16;
    if (rows.size() < padded * d) {
      rows = Tensor<float>({padded, d});
      products = Tensor<float>::uninitialized({padded, N});
    }
    const View<float> D{rows.data(), Shape{padded, d}}, P{products.data(), Shape{padded, N}};
    sources.clear();
    for (const int from : writers) {
      const SourceLayer& layer = sources_.layers[static_cast<size_t>(from)];
      for (int64_t e = layer.codes.indptr[begin]; e < layer.codes.indptr[begin + 1]; ++e) {
        const auto entry = static_cast<size_t>(e);
        std::copy_n(transcoders_.direction(from, layer.codes.indices[entry], into), d,
                    D.row(static_cast<int64_t>(sources.size())));
        sources.emplace_back(layer.node[entry], static_cast<double>(layer.codes.values[entry]));
      }
    }
    std::copy_n(own.error.view().row(t), d, D.row(active));
    sources.emplace_back(own.error_node[begin], 1.0);
    std::fill(D.row(active + 1), D.row(0) + padded * d, 0.0f);
    kernels::gemm({D}, kernels::transposed(g.sub(t)), P);
    for (int64_t e = 0; e <= active; ++e) {
      const auto [node, value] = sources[static_cast<size_t>(e)];
      double* to = sums.data() + int64_t{node} * N;
      for (int64_t n = 0; n < N; ++n) to[n] += value * static_cast<double>(P.at(e, n));
    }
  }
}

void EdgeMaker::contract(const Site& site, View<const float> g, std::vector<double>& sums) const {
  if (site.point == Point::mlp_out) {
    const int layer =
        site.block + (site.stack == Stack::decoder ? transcoders_.layers() - decoder_layers() : 0);
    return contract_layer(layer, g, sums);
  }
  const View<const float> leaf = frozen_.value(site);
  const auto& nodes = site.stack == Stack::encoder ? sources_.frame_node : sources_.token_node;
  const int64_t N = g.shape[1], d = g.shape[2];
  for (int64_t t = 0; t < g.shape[0]; ++t)
    for (int64_t n = 0; n < N; ++n)
      sums[static_cast<size_t>(nodes[static_cast<size_t>(t)] * N + n)] +=
          static_cast<double>(kernels::dot(g.row(t * N + n), leaf.row(t), d));
}

void EdgeMaker::check_target(int64_t id, Node& node) const {
  const auto add = [&](const Site& site, int64_t position, const float* direction) {
    node.pre_activation +=
        exact_dot(direction, frozen_.value(site).row(position), directions_.shape()[1]);
    node.bias += exact_dot(direction, biases_.at(site).row(position), directions_.shape()[1]);
  };
  node.pre_activation = node.bias = node.input = node.input_size = 0;
  node.target = true;
  if (id >= first_logit_)
    return add(kOut, targets_[static_cast<size_t>(id - first_logit_)].position,
               directions_.view().row(id - first_logit_));
  const auto* transcoder = transcoders_.layer(node.layer);
  const double own = read_bias(transcoder->sae, node.feature);
  for (const Sources::Member& member : sources_.members[static_cast<size_t>(id)]) {
    add(transcoder->read, member.position, transcoder->sae.W_enc.view().row(node.feature));
    node.pre_activation += own;
    node.bias += own;
  }
}

void EdgeMaker::make_rows(std::span<const int32_t> targets, int top_sources, Graph& graph) const {
  const auto N = static_cast<int64_t>(targets.size());
  std::vector<double> sums(static_cast<size_t>(first_logit_ * N));
  const std::vector<model::FrozenRead> reads = reads_of(targets, graph.nodes);
  const std::vector<double> padding = frozen_.back(
      reads, N, [&](const Site& site, View<const float> g) { contract(site, g, sums); });
  for (int64_t n = 0; n < N; ++n) {
    sums[static_cast<size_t>(sources_.padding_node * N + n)] = padding[static_cast<size_t>(n)];
    const auto id = static_cast<size_t>(targets[static_cast<size_t>(n)]);
    check_target(static_cast<int64_t>(id), graph.nodes[id]);
    keep_row(sums, N, n, first_logit_, top_sources, graph.adjacency.rows[id],
             graph.adjacency.rest[id], graph.nodes[id]);
  }
}

std::vector<double> EdgeMaker::key_influence(const Graph& graph) const {
  std::vector<int32_t> targets(targets_.size());
  std::iota(targets.begin(), targets.end(), static_cast<int32_t>(first_logit_));
  const auto N = static_cast<int64_t>(targets.size());
  std::vector<double> sums(static_cast<size_t>(first_logit_ * N)),
      total(static_cast<size_t>(first_logit_));
  model::FrozenModel::BackOptions options;
  options.cross_keys = true;
  frozen_.back(
      reads_of(targets, graph.nodes), N,
      [&](const Site& site, View<const float> g) { contract(site, g, sums); }, options);
  for (size_t s = 0; s < total.size(); ++s)
    for (size_t n = 0; n < targets_.size(); ++n)
      total[s] += targets_[n].weight * sums[s * targets_.size() + n];
  return total;
}

int EdgeMaker::decoder_layers() const {
  int n = 0;
  for (int l = 0; l < transcoders_.layers(); ++l)
    n += transcoders_.write_site(l).stack == Stack::decoder;
  return n;
}

}  // namespace otoscope::circuits
