#include "circuits/sources.h"

#include <algorithm>
#include <map>

#include "otoscope/kernels/elementwise.h"

namespace otoscope::circuits {
namespace {

using model::Point;
using model::Site;
using model::Stack;

/// Codes of one block; its error is all that it writes, until write_errors().
SourceLayer source_layer(const model::FrozenModel& frozen, const Transcoders& transcoders,
                         int layer, int64_t first_token) {
  SourceLayer out;
  out.transcoder = transcoders.layer(layer);
  const View<const float> written = frozen.value(transcoders.write_site(layer));
  out.error = Tensor<float>::copy_of(written);
  if (out.transcoder == nullptr) {
    out.codes.indptr.assign(static_cast<size_t>(written.rows() + 1), 0);
    return out;
  }
  sae::Encoder(out.transcoder->sae).encode(frozen.value(out.transcoder->read), out.codes);
  if (out.transcoder->write.stack == Stack::decoder) drop_rows_before(first_token, out.codes);
  return out;
}

/// What of a block's output no feature, bias or skip explains.
void write_error(const model::FrozenModel& frozen, const Transcoders& transcoders, int layer,
                 Sources& sources) {
  SourceLayer& own = sources.layers[static_cast<size_t>(layer)];
  if (own.transcoder == nullptr) return;
  auto xhat = Tensor<float>::uninitialized(own.error.shape());
  if (own.transcoder->outputs == 1 && transcoders.writers(layer).size() == 1) {
    sae::Encoder(own.transcoder->sae).decode(own.codes, frozen.value(own.transcoder->read), xhat);
  } else {
    std::fill_n(xhat.data(), xhat.size(), 0.0f);
    kernels::add_rows(own.transcoder->sae.b_dec, xhat);
    for (const int from : transcoders.writers(layer))
      add_features_of(transcoders, from, layer, sources.layers[static_cast<size_t>(from)].codes, {},
                      xhat);
  }
  for (int64_t i = 0; i < xhat.size(); ++i) own.error[i] -= xhat[i];
}

/// Gives every entry of a layer's codes its node. Frames of one feature that follow each other with
/// at most `gap` silent ones between are one run; decoder tokens stand alone.
void add_features(SourceLayer& layer, int index, Stack stack, int gap, Sources& sources) {
  const int64_t first = static_cast<int64_t>(sources.nodes.size());
  struct Open {
    int32_t node;
    int64_t last;
  };
  std::map<int32_t, Open> open;  // by feature
  layer.node.resize(layer.codes.indices.size());
  for (int64_t t = 0; t < layer.codes.rows(); ++t)
    for (int64_t e = layer.codes.indptr[static_cast<size_t>(t)];
         e < layer.codes.indptr[static_cast<size_t>(t + 1)]; ++e) {
      const int32_t feature = layer.codes.indices[static_cast<size_t>(e)];
      const float value = layer.codes.values[static_cast<size_t>(e)];
      const auto found = open.find(feature);
      const bool goes_on =
          stack == Stack::encoder && found != open.end() && t - found->second.last <= gap + 1;
      if (!goes_on) {
        Node node;
        node.layer = index, node.stack = stack, node.feature = feature, node.begin = t;
        open[feature] = {static_cast<int32_t>(sources.nodes.size()), t};
        sources.nodes.push_back(node);
        sources.members.emplace_back();
      }
      Open& run = open[feature];
      run.last = t;
      layer.node[static_cast<size_t>(e)] = run.node;
      Node& node = sources.nodes[static_cast<size_t>(run.node)];
      node.end = t + 1;
      ++node.members;
      node.activation += static_cast<double>(value);
      node.peak = std::max(node.peak, static_cast<double>(value));
      sources.members[static_cast<size_t>(run.node)].push_back({t, value});
    }
  OTO_ASSERT(static_cast<int64_t>(sources.members.size()) - first ==
             static_cast<int64_t>(sources.nodes.size()) - first);
}

/// One node for `pool` positions; returns the node of each position.
std::vector<int32_t> add_pooled(NodeKind kind, int layer, Stack stack, int64_t positions, int pool,
                                Sources& sources) {
  std::vector<int32_t> of(static_cast<size_t>(positions));
  for (int64_t t = 0; t < positions; ++t) {
    if (t % pool == 0) {
      Node node;
      node.kind = kind, node.layer = layer, node.stack = stack, node.begin = t;
      node.end = std::min<int64_t>(t + pool, positions);
      sources.nodes.push_back(node);
    }
    of[static_cast<size_t>(t)] = static_cast<int32_t>(sources.nodes.size() - 1);
  }
  return of;
}

}  // namespace

void drop_rows_before(int64_t first, SparseRows& codes) {
  const auto rows = static_cast<size_t>(std::min(first, codes.rows()));
  const int64_t dropped = codes.indptr[rows];
  if (dropped == 0) return;
  codes.indices.erase(codes.indices.begin(), codes.indices.begin() + dropped);
  codes.values.erase(codes.values.begin(), codes.values.begin() + dropped);
  for (size_t t = 0; t < codes.indptr.size(); ++t)
    codes.indptr[t] = t <= rows ? 0 : codes.indptr[t] - dropped;
}

void add_features_of(const Transcoders& transcoders, int from, int into, const SparseRows& codes,
                     const std::function<float(int, int64_t, int32_t, float)>& gate,
                     View<float> out) {
  for (int64_t t = 0; t < codes.rows(); ++t)
    for (int64_t e = codes.indptr[static_cast<size_t>(t)];
         e < codes.indptr[static_cast<size_t>(t + 1)]; ++e) {
      const int32_t f = codes.indices[static_cast<size_t>(e)];
      float value = codes.values[static_cast<size_t>(e)];
      if (gate) value = gate(from, t, f, value);
      if (value != 0)
        kernels::axpy(value, {transcoders.direction(from, f, into), Shape{out.width()}},
                      {out.row(t), Shape{out.width()}});
    }
}

double read_bias(const sae::Sae& sae, int32_t feature) {
  double bias = static_cast<double>(sae.b_enc[feature]);
  if (!sae.apply_b_dec_to_input) return bias;
  const float* e = sae.W_enc.view().row(feature);
  for (int64_t j = 0; j < sae.d(); ++j)
    bias -= static_cast<double>(e[j]) * static_cast<double>(sae.b_dec[j]);
  return bias;
}

Sources list_sources(const model::FrozenModel& frozen, const Transcoders& transcoders, int pool,
                     int gap, int64_t first_token) {
  Sources sources;
  sources.first_token = first_token;
  for (int l = 0; l < transcoders.layers(); ++l) {
    sources.layers.push_back(source_layer(frozen, transcoders, l, first_token));
    add_features(sources.layers.back(), l, transcoders.write_site(l).stack, gap, sources);
  }
  for (int l = 0; l < transcoders.layers(); ++l) write_error(frozen, transcoders, l, sources);
  sources.features = static_cast<int64_t>(sources.nodes.size());
  for (int l = 0; l < transcoders.layers(); ++l) {
    const Stack stack = transcoders.write_site(l).stack;
    SourceLayer& layer = sources.layers[static_cast<size_t>(l)];
    layer.error_node = add_pooled(NodeKind::error, l, stack, layer.error.shape()[0],
                                  stack == Stack::encoder ? pool : 1, sources);
  }
  sources.frame_node =
      add_pooled(NodeKind::frame, -1, Stack::encoder, frozen.frames(), pool, sources);
  sources.token_node = add_pooled(NodeKind::token, -1, Stack::decoder, frozen.tokens(), 1, sources);
  Node padding;
  padding.kind = NodeKind::padding;
  padding.begin = frozen.frames(), padding.end = frozen.frames() + 1;
  sources.padding_node = static_cast<int32_t>(sources.nodes.size());
  sources.nodes.push_back(padding);
  return sources;
}

}  // namespace otoscope::circuits
