#pragma once
/// Putting xhat in the place of x while the model runs (methods.md §3.2). Only rows that carry
/// audio or text are touched: padding keeps its values (splice_padding = keep). Edits of single
/// features, which keep the SAE's error, are steer/hook.h.

#include <cstdint>
#include <span>

#include "otoscope/eval/reconstructor.h"
#include "otoscope/model/hook.h"

namespace otoscope::eval {

/// x: (B, T, d); the first valid[b] positions of entry b become their reconstructions. A short
/// `valid` is an assert; empty means all positions.
void splice_rows(const Reconstructor& model, View<float> x, std::span<const int32_t> valid);

/// The whole site replaced by xhat.
class Splice : public model::Hook {
 public:
  /// Borrows the reconstructor. UserError if the site does not hold one row per position.
  Splice(const model::Site& site, const Reconstructor& reconstructor);
  model::Want ask(const model::Site& site) override;
  void replace(const model::Site& site, const model::Rows& rows, View<float> x) override;

 private:
  model::Site site_;
  const Reconstructor& reconstructor_;
};

}  // namespace otoscope::eval
