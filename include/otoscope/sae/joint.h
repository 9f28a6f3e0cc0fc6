#pragma once
/// Dictionaries over several sites, or one site of several models: x and xhat hold the sites side
/// by side.
///   crosscoder: z = sum_s x^s W_enc^s + b_enc, xhat^s = z W_dec^s + b^s: every feature reads and
///     writes all S sites (1 source, S outputs);
///   cross-layer transcoder: z^l = act(x^l W_enc^l + b_enc^l), xhat^m = sum_{l <= m} z^l
///   W_dec^{l->m}
///     + b^m: the features of layer l read input l and write outputs l, l+1, … (L of both).
/// Files have the layouts of the field: a crosscoder that of dictionary_learning's
/// BatchTopKCrossCoder (config.json, model.safetensors; rows times Port::scale), a cross-layer
/// transcoder that of circuit-tracer (config.yaml, W_enc_i.safetensors, W_dec_i.safetensors; raw
/// rows). What they cannot say (sites, hashes, training) is in otoscope.json beside them.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "otoscope/sae/sae.h"

namespace otoscope::sae {

/// A site that is read or rebuilt.
struct Port {
  std::string site, model_name, model_hash;
  int64_t width = 0;  // of its rows; in the dictionary narrower ones are padded with zeros
  double scale = 1;   // training saw rows times this, E||x||^2 = width
};

struct Joint {
  /// All features: groups of equal size, one a source. W_enc (F, d) reads the block of the source,
  /// W_dec (F, d_out) writes all blocks and is 0 where a feature writes nothing.
  Sae sae;
  int64_t sources = 1, outputs = 1;
  std::vector<Port> inputs, targets;  // of the blocks; targets: of a cross-layer transcoder

  bool cross_layer() const { return sources > 1; }
  int64_t d_in() const { return sources * sae.d(); }      // width of x
  int64_t group() const { return sae.F() / sources; }     // features of one source
  int64_t part() const { return sae.d_out() / outputs; }  // width of one output
  const std::vector<Port>& rebuilt() const { return cross_layer() ? targets : inputs; }
};

/// Whether a folder holds one of the two.
bool is_joint(const std::filesystem::path& folder);
/// In raw units whatever the file's. UserError says which file, tensor or key is wrong.
Joint load_joint(const std::filesystem::path& folder);
/// Takes raw units. Sets hash and folder. A folder with otoscope.json is whole. UserError where a
/// crosscoder's thresholds cannot be one number.
void save_joint(Joint& joint, const std::filesystem::path& folder);

/// The transcoder of one source of a cross-layer transcoder: W_dec (F, (L - s) d) holds the outputs
/// it writes, b_dec (d) is that of its own layer.
Sae source_of(const Joint& joint, int64_t source);

/// ||d_j^s|| in the units of training, where all sites are of one size.   -> (F, outputs)
Tensor<float> output_norms(const Joint& joint);

/// Encoder of all sources. Borrows the Joint.
class JointEncoder {
 public:
  explicit JointEncoder(const Joint& joint);
  ~JointEncoder();
  /// x: (B, d_in) -> codes over all features. Row-independent.
  void encode(View<const float> x, SparseRows& codes) const;
  /// codes -> xhat (B, d_out)
  void decode(const SparseRows& codes, View<float> xhat) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otoscope::sae
