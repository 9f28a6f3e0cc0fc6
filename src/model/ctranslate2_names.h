#pragma once
/// How CTranslate2 names and stacks the weights of a block (formats.md §1.7), said once for reading
/// and writing.

#include <cstdint>
#include <string>

namespace otoscope::model {

/// part: a Reader or a writer with norm(ours, theirs), product(ours, theirs) and
/// fused(ours…, theirs, d), products of one input stacked in one variable.
template <class Part>
void ctranslate2_block(Part& part, const std::string& ours, const std::string& theirs, int64_t d,
                       bool cross) {
  part.norm(ours + "attn_ln", theirs + "self_attention/layer_norm");
  part.fused({ours + "attn.query", ours + "attn.key", ours + "attn.value"},
             theirs + "self_attention/linear_0", d);
  part.product(ours + "attn.out", theirs + "self_attention/linear_1");
  if (cross) {
    part.norm(ours + "cross_attn_ln", theirs + "attention/layer_norm");
    part.product(ours + "cross_attn.query", theirs + "attention/linear_0");
    part.fused({ours + "cross_attn.key", ours + "cross_attn.value"}, theirs + "attention/linear_1",
               d);
    part.product(ours + "cross_attn.out", theirs + "attention/linear_2");
  }
  part.norm(ours + "mlp_ln", theirs + "ffn/layer_norm");
  part.product(ours + "mlp.0", theirs + "ffn/linear_0");
  part.product(ours + "mlp.2", theirs + "ffn/linear_1");
}

}  // namespace otoscope::model
