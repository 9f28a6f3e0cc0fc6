#include "otoscope/circuits/trace.h"
#include "otoscope/core/errors.h"

namespace otoscope::circuits {
namespace {

using model::Point;
using model::Site;
using model::Stack;

std::string name_of(const sae::Sae& sae) {
  return sae.folder.empty() ? "transcoder of " + sae.site : sae.folder.string();
}

/// The block's MLP output that a transcoder stands for; UserError where it cannot.
Site write_of(const sae::Sae& sae, const model::Dims& dims) {
  if (sae.target_site.empty())
    throw UserError(name_of(sae), "expected a transcoder, got an SAE of " + sae.site,
                    "train with --target DIR/…mlp_out; for SAEs of a stream there is attribution");
  const Site write = model::find_site(dims, sae.target_site);
  if (write.point != Point::mlp_out)
    throw UserError(name_of(sae), "expected a target …mlp_out, got " + sae.target_site);
  return write;
}

Site read_of(const sae::Sae& sae, const model::Dims& dims, const Site& write) {
  const Site read = model::find_site(dims, sae.site);
  const Point stream = write.stack == Stack::encoder ? Point::resid_mid : Point::resid_cross;
  if (read.stack != write.stack || read.block != write.block ||
      (read.point != Point::ln2 && read.point != stream))
    throw UserError(name_of(sae),
                    "expected the input of the MLP that it stands for, got " + sae.site,
                    "extract " + model::site_name({write.stack, Point::ln2, write.block}));
  return read;
}

void check(const sae::Sae& sae, const Site& read, int outputs, int64_t d) {
  if (sae.d() != d || sae.d_out() != outputs * d)
    throw UserError(name_of(sae),
                    "expected widths of " + std::to_string(d) + ", got " + std::to_string(sae.d()) +
                        " and " + std::to_string(sae.d_out() / outputs),
                    "it was trained on another model");
  if (sae.normalize != sae::Normalize::none || sae.rescale_by_decoder_norm)
    throw UserError(name_of(sae),
                    "expected codes that are affine in the input, got rows that are "
                    "normalised one by one or codes in units of decoder norms",
                    "fold the norms, or train without");
  if (sae.activation == sae::Activation::gated)
    throw UserError(name_of(sae), "expected relu, topk or jumprelu, got a gated transcoder");
  if (!sae.W_skip.empty() && read.point != Point::ln2)
    throw UserError(name_of(sae), "expected a skip from ln2, got one from " + sae.site);
}

}  // namespace

Transcoders::Transcoders(std::vector<sae::Sae> saes, const model::Dims& dims,
                         const std::vector<sae::Joint>& cross_layer)
    : encoder_layers_(dims.n_audio_layer), d_(dims.n_audio_state) {
  layers_.resize(static_cast<size_t>(dims.n_audio_layer + dims.n_text_layer));
  for (sae::Sae& sae : saes) add(std::move(sae), 1, dims);
  for (const sae::Joint& joint : cross_layer) {
    const std::string where = joint.sae.folder.string();
    if (!joint.cross_layer())
      throw UserError(where, "expected a cross-layer transcoder, got a crosscoder",
                      "it rebuilds what it reads; nothing flows through it");
    for (size_t l = 0; l < joint.targets.size(); ++l) {
      if (joint.targets[l].site.empty())
        throw UserError(where, "expected otoscope.json with the sites of each layer, got none",
                        "the weights alone do not say which blocks they are of");
      const Site write = model::find_site(dims, joint.targets[l].site);
      const Site first = model::find_site(dims, joint.targets[0].site);
      if (write.stack != first.stack || write.block != first.block + static_cast<int>(l))
        throw UserError(where, "expected blocks one after the other, got " + joint.targets[l].site +
                                   " as target " + std::to_string(l + 1));
      add(source_of(joint, static_cast<int64_t>(l)), static_cast<int>(joint.targets.size() - l),
          dims);
    }
  }
}

void Transcoders::add(sae::Sae sae, int outputs, const model::Dims& dims) {
  const Site write = write_of(sae, dims), read = read_of(sae, dims, write);
  check(sae, read, outputs, d_);
  auto& place = layers_[static_cast<size_t>(write.block +
                                            (write.stack == Stack::decoder ? encoder_layers_ : 0))];
  if (place)
    throw UserError(name_of(sae),
                    "expected one transcoder a block, got a second of " + model::site_name(write));
  place = std::make_unique<Layer>(Layer{read, write, std::move(sae), outputs});
}

std::vector<int> Transcoders::writers(int into) const {
  std::vector<int> all;
  for (int l = 0; l <= into; ++l)
    if (const Layer* from = layer(l); from != nullptr && l + from->outputs > into) all.push_back(l);
  return all;
}

const float* Transcoders::direction(int from, int32_t feature, int into) const {
  return layer(from)->sae.W_dec.view().row(feature) + (into - from) * d_;
}

int64_t Transcoders::size() const {
  int64_t n = 0;
  for (const auto& layer : layers_) n += layer != nullptr;
  return n;
}

Site Transcoders::write_site(int layer) const {
  const bool decoder = layer >= encoder_layers_;
  return {decoder ? Stack::decoder : Stack::encoder, Point::mlp_out,
          decoder ? layer - encoder_layers_ : layer};
}

}  // namespace otoscope::circuits
