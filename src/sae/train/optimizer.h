#pragma once
/// One optimiser step as methods.md §2.1 has it: the radial part of the decoder's gradient goes,
/// the global norm is clipped, Adam moves, decoder rows return to unit norm (crosscoders: to a
/// fixed sum of norms, summed_norm.h).

#include <vector>

#include "otoscope/kernels/adam.h"
#include "otoscope/sae/loss.h"

namespace otoscope::sae {

class Optimizer {
 public:
  struct Parameter {
    const char* name;
    Tensor<float>*value, *gradient;
    Tensor<float> m, v;  // Adam's moments
    bool rows;           // a matrix with one row a feature: sparse gradients
  };

  /// Borrows both. A frozen decoder keeps its first rows; its gradient counts for nothing. sites:
  /// of a crosscoder, whose rows are held at a sum of norms instead.
  Optimizer(Sae& sae, Gradients& gradients, bool unit_norm, bool freeze_decoder = false,
            int64_t sites = 1);
  /// t counts from 1. clip 0: no clipping. Returns the gradient's norm, projected and not clipped.
  double step(int64_t t, const kernels::AdamOptions& adam, double clip);
  std::vector<Parameter>& parameters() { return parameters_; }

 private:
  Sae& sae_;
  Gradients& gradients_;
  bool unit_norm_;
  int64_t sites_;
  std::vector<Parameter> parameters_;
};

}  // namespace otoscope::sae
