#pragma once
/// Operators at one site while the model runs: encoder, teacher-forced decoder, cached greedy and
/// beam search alike; every generated position is edited once, when it is computed.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "otoscope/model/hook.h"
#include "otoscope/model/whisper.h"
#include "otoscope/sae/sae.h"
#include "otoscope/steer/operator.h"

namespace otoscope::steer {

/// preserving: x + c sum_j (f'_j - f_j) d_j, c undoes the SAE's normalisation of the row; rows that
/// nothing changes keep their bits. splice: xhat(f') on all rows in scope, so also where nothing is
/// edited (the row "SAE inserted").
enum class Form : uint8_t { preserving, splice };

/// How much an edit moved: what controls are matched on.
struct Dose {
  int64_t rows = 0;     // valid rows seen
  int64_t changed = 0;  // of them edited
  double sum = 0;       // of ||x' - x||
  double squares = 0;   // of ||x' - x||^2
  double norms = 0;     // of ||x||
  /// Mean ||x' - x|| over all valid rows, in units of the mean ||x||.
  double relative() const { return norms > 0 ? sum / norms : 0; }
};

struct SteerOptions {
  Form form = Form::preserving;
  /// Every edit x' - x multiplied by this: controls at the same dose.
  double gain = 1;
  /// The edit keeps its rows and its norm at each, but goes along this (d, brought to unit norm):
  /// random directions at the same dose, row by row. Empty: as the operators say.
  std::vector<float> redirect;
};

/// Operators on features act in order on the codes of x as it came, those on directions in order on
/// what these left. Borrows the Sae; it may be null where no operator names a feature.
/// Activations or logits that are not finite after an edit: UserError with site, item and place.
class SteerHook : public model::Hook {
 public:
  /// With a transcoder `site` is its target: codes are those of its source in the same call, edits
  /// go to the target. UserError for a site without one row per position, an SAE of another width
  /// or site, or an operator that does not fit.
  SteerHook(const model::Dims& dims, const model::Site& site, std::vector<Operator> operators,
            const sae::Sae* sae = nullptr, SteerOptions options = {});
  ~SteerHook() override;
  SteerHook(SteerHook&&) noexcept;

  model::Want ask(const model::Site& site) override;
  void replace(const model::Site& site, const model::Rows& rows, View<float> x) override;
  void observe(const model::Site& site, const model::Rows& rows, View<const float> x) override;

  const model::Site& site() const;
  const std::vector<Operator>& operators() const;
  /// The same edit with other strengths, one an operator. Sizes that differ are an assert.
  void set_strengths(std::span<const double> strengths);
  void set_gain(double gain);
  /// Of all calls since the last reset.
  const Dose& dose() const;
  void reset_dose() { set_dose({}); }
  void set_dose(const Dose& dose);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otoscope::steer
