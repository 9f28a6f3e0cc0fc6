#include "circuits/replacement.h"

#include <algorithm>

#include "circuits/directions.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::circuits {

using model::Site;
using model::Stack;

namespace {

const Site kConv2{Stack::encoder, model::Point::conv2, -1};
const Site kEmbed{Stack::decoder, model::Point::embed, -1};
const Site kDecoderOut{Stack::decoder, model::Point::out, -1};

}  // namespace

Replacement::Replacement(const model::FrozenModel& frozen, const Transcoders& transcoders,
                         const Sources& sources)
    : frozen_(frozen), transcoders_(transcoders), sources_(sources) {
  for (int l = 0; l < transcoders.layers(); ++l) {
    const auto* layer = transcoders.layer(l);
    encoders_.push_back(layer ? std::make_unique<sae::Encoder>(layer->sae) : nullptr);
    encoder_layers_ += transcoders.write_site(l).stack == Stack::encoder;
  }
}

/// out = b_dec + gated features of all layers that write it + error; a skip is added by the frozen
/// map.
void Replacement::write(int layer, const CodesOf& codes, const Gate& gate, View<float> out) const {
  const SourceLayer& source = sources_.layers[static_cast<size_t>(layer)];
  const auto* transcoder = transcoders_.layer(layer);
  std::copy_n(source.error.data(), source.error.size(), out.data);
  if (transcoder == nullptr) return;
  kernels::add_rows(transcoder->sae.b_dec, out);
  for (const int from : transcoders_.writers(layer))
    add_features_of(transcoders_, from, layer, codes(from), gate, out);
}

model::FrozenModel::Values Replacement::run(const Gate& gate) const {
  // Blocks come in order, so codes of layers that write ahead are there when they are needed.
  std::vector<SparseRows> codes(static_cast<size_t>(transcoders_.layers()));
  return frozen_.forward(
      frozen_.value(kConv2), frozen_.value(kEmbed),
      [&](const Site& site, View<const float> ln2, View<const float> stream, View<float> out) {
        const int l = site.block + (site.stack == Stack::decoder ? encoder_layers_ : 0);
        SparseRows& own = codes[static_cast<size_t>(l)];
        if (const auto* layer = transcoders_.layer(l); layer != nullptr) {
          encoders_[static_cast<size_t>(l)]->encode(
              layer->read.point == model::Point::ln2 ? ln2 : stream, own);
          if (site.stack == Stack::decoder) drop_rows_before(sources_.first_token, own);
        }
        write(
            l, [&](int from) -> const SparseRows& { return codes[static_cast<size_t>(from)]; },
            gate, out);
      });
}

model::FrozenModel::Values Replacement::constrained(const Gate& gate) const {
  return frozen_.forward(
      frozen_.value(kConv2), frozen_.value(kEmbed),
      [&](const Site& site, View<const float>, View<const float>, View<float> out) {
        const int l = site.block + (site.stack == Stack::decoder ? encoder_layers_ : 0);
        write(
            l,
            [&](int from) -> const SparseRows& {
              return sources_.layers[static_cast<size_t>(from)].codes;
            },
            gate, out);
      });
}

bool Replacement::change_of(int layer, const Gate& gate, View<float> change) const {
  if (transcoders_.layer(layer) == nullptr) return false;
  bool any = false;
  for (const int from : transcoders_.writers(layer))
    add_features_of(
        transcoders_, from, layer, sources_.layers[static_cast<size_t>(from)].codes,
        [&](int l, int64_t t, int32_t f, float before) {
          const float by = gate(l, t, f, before) - before;
          any = any || by != 0;
          return by;
        },
        change);
  return any;
}

TargetReader::TargetReader(const model::Whisper& model, const Transcoders& transcoders,
                           const Sources& sources, std::span<const LogitTarget> targets,
                           const Graph& graph)
    : transcoders_(transcoders),
      sources_(sources),
      targets_(targets),
      graph_(graph),
      directions_(logit_directions(model::unembedding(model), targets)),
      first_logit_(static_cast<int64_t>(sources.nodes.size())) {}

double TargetReader::logit(size_t i, const At& at) const {
  return exact_dot(directions_.view().row(static_cast<int64_t>(i)),
                   at(kDecoderOut).row(targets_[i].position), directions_.shape()[1]);
}

double TargetReader::metric(const At& at) const {
  double sum = 0;
  for (size_t i = 0; i < targets_.size(); ++i) sum += targets_[i].weight * logit(i, at);
  return sum;
}

std::vector<double> TargetReader::read(const At& at) const {
  std::vector<double> values(graph_.nodes.size());
  for (size_t i = 0; i < static_cast<size_t>(first_logit_); ++i) {
    const Node& node = graph_.nodes[i];
    if (!node.target) continue;
    const auto* layer = transcoders_.layer(node.layer);
    const View<const float> x = at(layer->read);
    for (const Sources::Member& member : sources_.members[i])
      values[i] +=
          exact_dot(layer->sae.W_enc.view().row(node.feature), x.row(member.position), x.width()) +
          read_bias(layer->sae, node.feature);
  }
  for (size_t i = 0; i < targets_.size(); ++i)
    values[static_cast<size_t>(first_logit_) + i] = logit(i, at);
  return values;
}

}  // namespace otoscope::circuits
