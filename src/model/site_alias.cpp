/// Other people's spellings of our sites: TransformerLens's hook points and the module paths of
/// openai-whisper's and Hugging Face's checkpoints.

#include <algorithm>
#include <array>
#include <charconv>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/model/site.h"

namespace otoscope::model {
namespace {

struct Alias {
  std::string_view theirs, ours;
};

constexpr std::array<Alias, 52> kInBlock = {{
    {"", "resid_post"},
    // TransformerLens
    {"ln1.normalized", "ln1"},
    {"ln2.normalized", "ln2"},
    {"attn.q", "q"},
    {"attn.k", "k"},
    {"attn.v", "v"},
    {"attn.z", "z"},
    {"attn.attn_scores", "attn_scores"},
    {"attn.pattern", "attn_pattern"},
    {"pattern", "attn_pattern"},
    {"cross_attn.q", "cross_q"},
    {"cross_attn.k", "cross_k"},
    {"cross_attn.v", "cross_v"},
    {"cross_attn.z", "cross_z"},
    {"cross_attn.attn_scores", "cross_attn_scores"},
    {"cross_attn.pattern", "cross_attn_pattern"},
    {"cross_pattern", "cross_attn_pattern"},
    {"mlp.pre", "mlp_pre"},
    {"mlp.post", "mlp_post"},
    {"resid_mid_cross", "resid_cross"},
    // openai-whisper
    {"attn", "attn_out"},
    {"attn_ln", "ln1"},
    {"attn.query", "q"},
    {"attn.key", "k"},
    {"attn.value", "v"},
    {"attn.out", "attn_out"},
    {"cross_attn", "cross_attn_out"},
    {"cross_attn_ln", "ln_cross"},
    {"cross_attn.query", "cross_q"},
    {"cross_attn.key", "cross_k"},
    {"cross_attn.value", "cross_v"},
    {"cross_attn.out", "cross_attn_out"},
    {"mlp", "mlp_out"},
    {"mlp_ln", "ln2"},
    {"mlp.0", "mlp_pre"},
    {"mlp.1", "mlp_post"},
    {"mlp.2", "mlp_out"},
    // Hugging Face
    {"self_attn", "attn_out"},
    {"self_attn_layer_norm", "ln1"},
    {"self_attn.q_proj", "q"},
    {"self_attn.k_proj", "k"},
    {"self_attn.v_proj", "v"},
    {"self_attn.out_proj", "attn_out"},
    {"encoder_attn", "cross_attn_out"},
    {"encoder_attn_layer_norm", "ln_cross"},
    {"encoder_attn.q_proj", "cross_q"},
    {"encoder_attn.k_proj", "cross_k"},
    {"encoder_attn.v_proj", "cross_v"},
    {"encoder_attn.out_proj", "cross_attn_out"},
    {"fc1", "mlp_pre"},
    {"fc2", "mlp_out"},
    {"final_layer_norm", "ln2"},
}};

constexpr std::array<Alias, 9> kOutside = {{
    {"encoder", "encoder.out"},
    {"encoder.ln_post", "encoder.out"},
    {"encoder.layer_norm", "encoder.out"},
    {"decoder", "decoder.out"},
    {"decoder.ln", "decoder.out"},
    {"decoder.layer_norm", "decoder.out"},
    {"encoder.ln.scale", "encoder.ln_post.scale"},
    {"decoder.logits", "logits"},
    {"proj_out", "logits"},
}};

void erase_all(std::string& text, std::string_view what) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.erase(at, what.size());
}

std::string our_spelling(std::string_view name) {
  std::string text(name);
  if (text.starts_with("model.")) text.erase(0, 6);
  erase_all(text, "hook_");
  for (const Alias& alias : kOutside)
    if (text == alias.theirs) return std::string(alias.ours);
  const size_t dot = text.find('.');
  if (dot == std::string::npos) return text;
  const std::string stack = text.substr(0, dot);
  std::string rest = text.substr(dot + 1);
  for (const std::string_view blocks : {"blocks.", "layers."})
    if (rest.starts_with(blocks)) {
      rest.erase(0, blocks.size());
      break;
    }
  const size_t digits = std::min(rest.find('.'), rest.size());
  int block = -1;
  const auto parsed = std::from_chars(rest.data(), rest.data() + digits, block);
  if (digits == 0 || parsed.ec != std::errc() || parsed.ptr != rest.data() + digits) return text;
  std::string point = digits == rest.size() ? "" : rest.substr(digits + 1);
  for (const Alias& alias : kInBlock)
    if (point == alias.theirs) {
      point = alias.ours;
      break;
    }
  return stack + ".blocks." + std::to_string(block) + "." + point;
}

}  // namespace

Site find_site(const Dims& dims, std::string_view name) {
  const std::string wanted = our_spelling(name);
  std::vector<std::string> known;
  for (const Site& site : all_sites(dims)) {
    known.push_back(site_name(site));
    if (known.back() == wanted) return site;
  }
  throw UserError("site " + std::string(name),
                  "expected the name of a site of this model, got an unknown one",
                  "the nearest are " + join(nearest_names(wanted, known)) +
                      "; `models show NAME` lists them all");
}

}  // namespace otoscope::model
