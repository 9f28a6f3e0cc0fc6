#include "model/export/names.h"

#include <string_view>

namespace otoscope::model {

std::string hugging_face_name(std::string name, const std::string& prefix) {
  const auto swap = [&name](std::string_view ours, std::string_view theirs) {
    const size_t at = name.find(ours);
    if (at != std::string::npos) name.replace(at, ours.size(), theirs);
    return at != std::string::npos;
  };
  swap(".blocks.", ".layers.");
  swap("positional_embedding", "embed_positions.weight");
  swap("token_embedding", "embed_tokens");
  swap("encoder.ln_post.", "encoder.layer_norm.");
  swap("decoder.ln.", "decoder.layer_norm.");
  swap(".mlp.0.", ".fc1.");
  swap(".mlp.2.", ".fc2.");
  swap(".mlp_ln.", ".final_layer_norm.");
  if (!swap(".cross_attn_ln.", ".encoder_attn_layer_norm."))
    swap(".attn_ln.", ".self_attn_layer_norm.");
  if (!swap(".cross_attn.", ".encoder_attn.")) swap(".attn.", ".self_attn.");
  swap(".query.", ".q_proj.");
  swap(".key.", ".k_proj.");
  swap(".value.", ".v_proj.");
  if (name.find("attn.") != std::string::npos) swap(".out.", ".out_proj.");
  return prefix + name;
}

}  // namespace otoscope::model
