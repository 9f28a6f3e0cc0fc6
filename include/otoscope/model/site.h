#pragma once
/// Named places in the model where a hook may look or edit; one name everywhere (design.md;
/// methods.md §1.5).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/shape.h"
#include "otoscope/model/config.h"

namespace otoscope::model {

enum class Stack : uint8_t { encoder, decoder };

/// What is at a site; the block is apart. Order within a block is the order of computation.
enum class Point : uint8_t {
  mel,
  conv1,
  conv2,
  embed,
  resid_pre,
  ln1_scale,
  ln1,
  q,
  k,
  v,
  attn_scores,
  attn_pattern,
  z,
  attn_out,
  resid_mid,
  ln_cross_scale,
  ln_cross,
  cross_q,
  cross_k,
  cross_v,
  cross_attn_scores,
  cross_attn_pattern,
  cross_z,
  cross_attn_out,
  resid_cross,
  ln2_scale,
  ln2,
  mlp_pre,
  mlp_post,
  mlp_out,
  resid_post,
  out_scale,
  out,
  logits
};
inline constexpr int kPoints = static_cast<int>(Point::logits) + 1;

struct Site {
  Stack stack = Stack::encoder;
  Point point = Point::out;
  int block = -1;  // -1 outside the blocks

  bool operator==(const Site&) const = default;
};

/// "encoder.blocks.3.resid_post", "encoder.out", "encoder.ln_post.scale", "decoder.ln.scale",
/// "logits"
std::string site_name(const Site& site);

/// All sites of a model in the order in which a forward reaches them.
std::vector<Site> all_sites(const Dims& dims);

/// A name or an alias (TransformerLens's `encoder.blocks.3.hook_mlp_out`, checkpoint module paths
/// such as `model.encoder.layers.3` or `encoder.blocks.3` for the block's output). Unknown:
/// UserError, nearest names.
Site find_site(const Dims& dims, std::string_view name);

/// Shape of the values for a batch of B with T positions: (B, T, d) for streams, (B, heads, T,
/// d_head) for q k v z, (B, heads, S, d_head) for cross_k and cross_v, (B, heads, T, S) for scores
/// and patterns, (B, T) for scales, (B, mel frames, mels) for encoder.mel. S: keys of the
/// attention. T is the encoder's positions also for encoder.mel and conv1, which have 2 T.
Shape site_shape(const Dims& dims, const Site& site, int64_t B, int64_t T, int64_t S);

/// True where a site's values are one row per position (B, T, d), the only sites a store keeps.
bool is_row_site(const Site& site);
/// Row width of a row site.
int64_t site_width(const Dims& dims, const Site& site);
/// Rows of a row site per window: 1500, or 3000 for mel and conv1.
int64_t site_positions(const Dims& dims, const Site& site);

}  // namespace otoscope::model
