#include "otoscope/model/site.h"

#include <array>

namespace otoscope::model {
namespace {

/// Names of the points inside a block, and of those outside it in each stack.
constexpr std::array<const char*, kPoints> kNames = {"mel",
                                                     "conv1",
                                                     "conv2",
                                                     "embed",
                                                     "resid_pre",
                                                     "ln1.scale",
                                                     "ln1",
                                                     "q",
                                                     "k",
                                                     "v",
                                                     "attn_scores",
                                                     "attn_pattern",
                                                     "z",
                                                     "attn_out",
                                                     "resid_mid",
                                                     "ln_cross.scale",
                                                     "ln_cross",
                                                     "cross_q",
                                                     "cross_k",
                                                     "cross_v",
                                                     "cross_attn_scores",
                                                     "cross_attn_pattern",
                                                     "cross_z",
                                                     "cross_attn_out",
                                                     "resid_cross",
                                                     "ln2.scale",
                                                     "ln2",
                                                     "mlp_pre",
                                                     "mlp_post",
                                                     "mlp_out",
                                                     "resid_post",
                                                     "ln.scale",
                                                     "out",
                                                     "logits"};

bool is_cross(Point p) { return p >= Point::ln_cross_scale && p <= Point::resid_cross; }

bool is_scale(Point p) {
  return p == Point::ln1_scale || p == Point::ln_cross_scale || p == Point::ln2_scale ||
         p == Point::out_scale;
}

}  // namespace

std::string site_name(const Site& site) {
  if (site.point == Point::logits) return "logits";
  std::string name = site.stack == Stack::encoder ? "encoder." : "decoder.";
  if (site.block >= 0) name += "blocks." + std::to_string(site.block) + ".";
  if (site.point == Point::out_scale && site.stack == Stack::encoder) return name + "ln_post.scale";
  return name + kNames[static_cast<size_t>(site.point)];
}

std::vector<Site> all_sites(const Dims& dims) {
  std::vector<Site> sites;
  const auto block = [&sites](Stack stack, int index) {
    for (int i = static_cast<int>(Point::resid_pre); i <= static_cast<int>(Point::resid_post); ++i)
      if (stack == Stack::decoder || !is_cross(static_cast<Point>(i)))
        sites.push_back({stack, static_cast<Point>(i), index});
  };
  for (const Point p : {Point::mel, Point::conv1, Point::conv2, Point::embed})
    sites.push_back({Stack::encoder, p, -1});
  for (int i = 0; i < dims.n_audio_layer; ++i) block(Stack::encoder, i);
  sites.push_back({Stack::encoder, Point::out_scale, -1});
  sites.push_back({Stack::encoder, Point::out, -1});
  sites.push_back({Stack::decoder, Point::embed, -1});
  for (int i = 0; i < dims.n_text_layer; ++i) block(Stack::decoder, i);
  for (const Point p : {Point::out_scale, Point::out, Point::logits})
    sites.push_back({Stack::decoder, p, -1});
  return sites;
}

int64_t site_width(const Dims& dims, const Site& site) {
  const int64_t d = site.stack == Stack::encoder ? dims.n_audio_state : dims.n_text_state;
  switch (site.point) {
    case Point::mel:
      return dims.n_mels;
    case Point::mlp_pre:
    case Point::mlp_post:
      return 4 * d;
    case Point::logits:
      return dims.n_vocab;
    default:
      return d;
  }
}

bool is_row_site(const Site& site) {
  switch (site.point) {
    case Point::q:
    case Point::k:
    case Point::v:
    case Point::z:
    case Point::attn_scores:
    case Point::attn_pattern:
    case Point::cross_q:
    case Point::cross_k:
    case Point::cross_v:
    case Point::cross_z:
    case Point::cross_attn_scores:
    case Point::cross_attn_pattern:
      return false;
    default:
      return !is_scale(site.point);
  }
}

int64_t site_positions(const Dims& dims, const Site& site) {
  if (site.stack == Stack::decoder) return dims.n_text_ctx;
  return site.point == Point::mel || site.point == Point::conv1 ? dims.n_mel_frames()
                                                                : dims.n_audio_ctx;
}

Shape site_shape(const Dims& dims, const Site& site, int64_t B, int64_t T, int64_t S) {
  const bool encoder = site.stack == Stack::encoder;
  const int64_t heads = encoder ? dims.n_audio_head : dims.n_text_head;
  const int64_t d_head = (encoder ? dims.n_audio_state : dims.n_text_state) / heads;
  if (is_scale(site.point)) return {B, T};
  switch (site.point) {
    case Point::mel:
    case Point::conv1:
      return {B, 2 * T, site_width(dims, site)};
    case Point::attn_scores:
    case Point::attn_pattern:
    case Point::cross_attn_scores:
    case Point::cross_attn_pattern:
      return {B, heads, T, S};
    case Point::cross_k:
    case Point::cross_v:
      return {B, heads, S, d_head};
    default:
      if (is_row_site(site)) return {B, T, site_width(dims, site)};
      return {B, heads, T, d_head};
  }
}

}  // namespace otoscope::model
