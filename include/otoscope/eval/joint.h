#pragma once
/// Crosscoders and cross-layer transcoders on a split: every output of theirs as if it were an
/// SAE's, with its controls, and what of a crosscoder's features its sites share (docs/eval.md).

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/core/progress.h"
#include "otoscope/eval/evaluate.h"
#include "otoscope/eval/reconstructor.h"
#include "otoscope/eval/sample.h"
#include "otoscope/sae/joint.h"

namespace otoscope::eval {

/// Row-aligned samples side by side, as a dictionary of several sites reads them: each padded with
/// zeros to `width`, times its scale (none: 1). Holds the rows.
class Joined {
 public:
  Joined(const std::vector<Sample>& parts, int64_t width, const std::vector<double>& scale = {});
  const Sample& sample() const { return sample_; }

 private:
  Tensor<float> rows_;
  Sample sample_;
};

/// All outputs side by side. Borrows the dictionary.
class JointReconstructor : public Reconstructor {
 public:
  explicit JointReconstructor(const sae::Joint& joint);
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override;
  int64_t d_out() const override { return joint_.sae.d_out(); }
  int64_t features() const override { return joint_.sae.F(); }
  std::span<const float> decoder_norms() const override { return norms_; }

 private:
  const sae::Joint& joint_;
  sae::JointEncoder encoder_;
  std::vector<float> norms_;
};

/// Columns [from, from + width) of what another rebuilds, times `scale`. Borrows it.
class OneOutput : public Reconstructor {
 public:
  OneOutput(const Reconstructor& whole, int64_t from, int64_t width, double scale = 1)
      : whole_(whole), from_(from), width_(width), scale_(scale) {}
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override;
  int64_t d_out() const override { return width_; }
  int64_t features() const override { return whole_.features(); }
  std::span<const float> decoder_norms() const override { return whole_.decoder_norms(); }
  int64_t dense_size() const override { return whole_.dense_size(); }

 private:
  const Reconstructor& whole_;
  int64_t from_, width_;
  double scale_;
};

/// How a crosscoder's living features spread over its sites, by decoder norms in the units of
/// training: shared where the least is at least half of the largest, of one site where no other is
/// over a tenth, partly else.
struct Sharing {
  int64_t alive = 0, shared = 0, partly = 0;
  std::vector<int64_t> alone;  // by site
  /// Two sites: Delta = ((b - a) / max(a, b) + 1) / 2 in ten bins; 0: the first alone, 1: the
  /// second.
  std::vector<int64_t> difference;
};
/// fired: rows in which each feature fired. norms: (F, S)
Sharing sharing_of(View<const float> norms, const std::vector<int64_t>& fired);

struct JointJob {
  std::string name;
  const sae::Joint* joint = nullptr;
  std::vector<const store::Store*> inputs, targets;  // targets: of a cross-layer transcoder
  /// A crosscoder of unrelated sites, on its own rows: how much it calls shared.
  const sae::Joint* control = nullptr;
  std::vector<const store::Store*> control_inputs;
};

/// joint-eval.json: schema otoscope.joint-eval. UserError where stores do not fit.
nlohmann::ordered_json evaluate_joint(const JointJob& job, const EvalOptions& options,
                                      Progress& progress = silent_progress());
/// Head and a line per output and row; then, of a crosscoder, what is shared.
std::vector<std::vector<std::string>> joint_table(const nlohmann::ordered_json& eval);
std::vector<std::vector<std::string>> sharing_table(const nlohmann::ordered_json& eval);

}  // namespace otoscope::eval
