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

void check(const sae::Sae& sae, const Site& read, int64_t d) {
  if (sae.d() != d || sae.d_out() != d)
    throw UserError(name_of(sae),
                    "expected widths of " + std::to_string(d) + ", got " + std::to_string(sae.d()) +
                        " and " + std::to_string(sae.d_out()),
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

Transcoders::Transcoders(std::vector<sae::Sae> saes, const model::Dims& dims)
    : encoder_layers_(dims.n_audio_layer) {
  layers_.resize(static_cast<size_t>(dims.n_audio_layer + dims.n_text_layer));
  for (sae::Sae& sae : saes) {
    const Site write = write_of(sae, dims), read = read_of(sae, dims, write);
    check(sae, read, dims.n_audio_state);
    auto& place = layers_[static_cast<size_t>(
        write.block + (write.stack == Stack::decoder ? encoder_layers_ : 0))];
    if (place)
      throw UserError(name_of(sae), "expected one transcoder a block, got a second of " +
                                        model::site_name(write));
    place = std::make_unique<Layer>(Layer{read, write, std::move(sae)});
  }
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
