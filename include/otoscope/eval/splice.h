#pragma once
/// Putting xhat in the place of x while the model runs (methods.md §3.2). Only rows that carry
/// audio or text are touched: padding keeps its values (splice_padding = keep). Edits of single
/// features, which keep the SAE's error, are steer/hook.h.

#include <cstdint>
#include <optional>
#include <span>

#include "otoscope/eval/reconstructor.h"
#include "otoscope/model/hook.h"

namespace otoscope::eval {

/// x: (B, T, d); the first valid[b] positions of entry b become their reconstructions. A short
/// `valid` is an assert; empty means all positions.
void splice_rows(const Reconstructor& model, View<float> x, std::span<const int32_t> valid);

/// The same with what another site held: the first valid[b] positions of y (B, T, d_out) become the
/// reconstructions of those of x (B, T, d).
void splice_rows(const Reconstructor& model, View<const float> x, View<float> y,
                 std::span<const int32_t> valid);

/// The whole site replaced by xhat; with a source (transcoders), by xhat of what that site, which
/// the forward reaches earlier, held in the same call.
class Splice : public model::Hook {
 public:
  /// Borrows the reconstructor. UserError if a site does not hold one row per position.
  Splice(const model::Site& site, const Reconstructor& reconstructor,
         std::optional<model::Site> source = {});
  model::Want ask(const model::Site& site) override;
  void observe(const model::Site& site, const model::Rows& rows, View<const float> x) override;
  void replace(const model::Site& site, const model::Rows& rows, View<float> x) override;

 private:
  model::Site site_;
  std::optional<model::Site> source_;
  const Reconstructor& reconstructor_;
  Tensor<float> seen_;
};

}  // namespace otoscope::eval
