#include "circuits/free_run.h"

#include "circuits/directions.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/model/vjp.h"

namespace otoscope::circuits {

using model::Site;
using model::Stack;

namespace {

const Site kFreeLogits{Stack::decoder, model::Point::logits, -1};

/// dM/dlogits.
Tensor<float> logits_cotangent(std::span<const LogitTarget> targets, int64_t tokens, int64_t V) {
  Tensor<float> g({1, tokens, V});
  for (const LogitTarget& target : targets) {
    const View<float> row{g.view().sub(0).row(target.position), Shape{V}};
    const auto weight = static_cast<float>(target.weight);
    if (target.against >= 0)
      row[target.against] -= weight;
    else
      for (int64_t v = 0; v < V; ++v) row[v] -= weight / static_cast<float>(V);
    row[target.token] += weight;
  }
  return g;
}

}  // namespace

void FreeModel::add(Edits& edits, const Replacement::Gate& gate) const {
  for (int l = 0; l < transcoders_.layers(); ++l) {
    const auto* layer = transcoders_.layer(l);
    if (layer == nullptr) continue;
    edits.changes.emplace_back(frozen_.value(layer->write).shape);
    if (!replacement_.change_of(l, gate, edits.changes.back())) {
      edits.changes.pop_back();
      continue;
    }
    const Tensor<float>& change = edits.changes.back();
    edits.edits.emplace_back(layer->write, [&change](const model::Rows&, View<float> x) {
      kernels::add(change, View<float>{x.data, change.shape()});
    });
    edits.hooks.push_back(&edits.edits.back());
  }
}

model::Recorder FreeModel::run(const Replacement::Gate& gate, bool inputs) const {
  throw_if_interrupted();
  Edits edits;
  add(edits, gate);
  std::vector<Site> reads = {{Stack::decoder, model::Point::out, -1}};
  for (int l = 0; inputs && l < transcoders_.layers(); ++l)
    if (const auto* layer = transcoders_.layer(l); layer != nullptr) reads.push_back(layer->read);
  model::Recorder recorder(reads);
  edits.hooks.push_back(&recorder);
  model_.decode_forced(model_.encode(mel_, {}, edits.hooks), tokens_, {}, edits.hooks);
  return recorder;
}

std::vector<Tensor<float>> FreeModel::mean_gradients(std::span<const LogitTarget> targets,
                                                     int steps) const {
  std::vector<Site> writes;
  std::vector<size_t> at;
  std::vector<Tensor<float>> mean(static_cast<size_t>(transcoders_.layers()));
  for (int l = 0; l < transcoders_.layers(); ++l)
    if (const auto* layer = transcoders_.layer(l); layer != nullptr) {
      writes.push_back(layer->write);
      at.push_back(static_cast<size_t>(l));
      mean[at.back()] = Tensor<float>(frozen_.value(layer->write).shape);
    }
  const int64_t V = model_.dims().n_vocab;
  const Tensor<float> cotangent = logits_cotangent(targets, tokens_.shape[1], V);
  const std::vector<model::Cotangent> reads = {{kFreeLogits, cotangent}};
  for (int i = 0; i < steps; ++i) {
    throw_if_interrupted();
    const float left = 1.0f - static_cast<float>(i) / static_cast<float>(steps);
    Edits edits;
    add(edits, [left](int, int64_t, int32_t, float value) { return left * value; });
    const model::Tape tape(model_, mel_, tokens_, {}, edits.hooks, true);
    const std::vector<Tensor<float>> g = tape.gradients(reads, writes);
    for (size_t w = 0; w < writes.size(); ++w)
      kernels::axpy(1.0f / static_cast<float>(steps), {g[w].data(), mean[at[w]].shape()},
                    mean[at[w]]);
  }
  return mean;
}

std::vector<double> effects_of(const std::vector<Tensor<float>>& gradients,
                               const Transcoders& transcoders, const Sources& sources) {
  std::vector<double> effects(static_cast<size_t>(sources.features));
  for (size_t i = 0; i < effects.size(); ++i) {
    const Node& node = sources.nodes[i];
    for (int into = node.layer; into < node.layer + transcoders.layer(node.layer)->outputs;
         ++into) {
      const Tensor<float>& g = gradients[static_cast<size_t>(into)];
      const float* direction = transcoders.direction(node.layer, node.feature, into);
      for (const Sources::Member& member : sources.members[i])
        effects[i] += static_cast<double>(member.value) *
                      exact_dot(g.view().row(member.position), direction, g.shape()[1]);
    }
  }
  return effects;
}

}  // namespace otoscope::circuits
