#include "otoscope/sae/untrained.h"

#include "otoscope/sae/fold.h"
#include "sae/train/initialise.h"
#include "sae/train/threshold.h"

namespace otoscope::sae {

namespace {

constexpr int64_t kMostRows = 16384;

/// In the units of `start`.
Sae with_thresholds(const TrainOptions& resolved, const TrainData& data, const DataStart& start) {
  Sae sae = initial_sae(resolved, start, data);
  sae.threshold = by_feature(sae, find_thresholds(sae, data.sources(), *data.input, resolved.k,
                                                  start.s_in, resolved.seed_data, kMostRows));
  sae.activation = Activation::jumprelu;
  sae.architecture = "untrained";
  sae.site = data.site, sae.model_name = data.model_name, sae.model_hash = data.model_hash;
  if (data.target != nullptr)
    sae.target_site = data.target_site.empty() ? data.site : data.target_site;
  return sae;
}

}  // namespace

Sae untrained_sae(const TrainOptions& resolved, const TrainData& data) {
  OTO_ASSERT(!data.several());
  const DataStart start = measure(data, resolved.seed_data, resolved.batch);
  Sae sae = with_thresholds(resolved, data, start);
  fold_scale(sae, start.s_in, start.s_out);
  return sae;
}

Joint untrained_joint(const TrainOptions& resolved, const TrainData& data) {
  OTO_ASSERT(data.several());
  const DataStart start = measure(data, resolved.seed_data, resolved.batch);
  Joint joint = joint_of(with_thresholds(resolved, data, start), data);
  fold_scale(joint.sae, start.s_in, start.s_out);
  fold_ports(joint);
  return joint;
}

}  // namespace otoscope::sae
