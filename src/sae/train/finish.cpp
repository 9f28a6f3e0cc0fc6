#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "otoscope/sae/fold.h"
#include "otoscope/sae/joint.h"
#include "sae/train/threshold.h"
#include "sae/train/trainee.h"

namespace otoscope::sae {

void Trainee::finish() {
  OTO_ASSERT(step_ == options_.steps);
  Sae& final = sae_;
  final.activation = data_.several() ? Activation::jumprelu : loss_->activation();
  final.k = final.activation == Activation::topk || data_.several() ? options_.k : 0;
  io::OrderedJson ours;
  ours["plan"] = plan_;
  ours["options"] = options_json(options_);
  ours["input"] = data_.input->hash();
  if (data_.target != nullptr) ours["target"] = data_.target->hash();
  ours["scale"] = {{"input", s_in_}, {"target", s_out_}};
  if (options_.arch == "batchtopk" || options_.arch == "matryoshka" || options_.arch == "topk") {
    constexpr int64_t kMostRows = 65536;
    const std::vector<double> theta = find_thresholds(
        final, data_.sources(), *data_.input, options_.k, s_in_, options_.seed_data, kMostRows);
    if (!data_.several()) ours["threshold"] = theta[0] / s_out_;  // in raw units, as the codes are
    if (final.activation == Activation::jumprelu) final.threshold = by_feature(final, theta);
  }
  int64_t dead = 0;
  for (const int64_t idle : idle_) dead += idle >= options_.dead_window;
  ours["trained"] = {{"steps", options_.steps},
                     {"rows", options_.steps * options_.batch},
                     {"dead", dead},
                     {"dead_window", options_.dead_window},
                     {"loss", last_.total},
                     {"l0", last_.l0}};
  if (control_) ours["trained"]["weight"] = control_->weight();
  final.architecture = options_.arch;
  final.site = data_.site, final.model_name = data_.model_name;
  final.model_hash = data_.model_hash;
  if (data_.target != nullptr)
    final.target_site = data_.target_site.empty() ? data_.site : data_.target_site;
  if (options_.arch == "matryoshka") final.matryoshka_widths = loss_->prefixes();
  final.otoscope = ours.dump();
  if (!loss_->unit_norm()) fold_decoder_norms(final);
  fold_scale(final, s_in_, s_out_);
  if (data_.several()) {
    Joint joint = joint_of(std::move(final), data_);
    fold_ports(joint);
    if (joint.cross_layer()) fold_decoder_norms(joint.sae);
    save_joint(joint, folder_);
    hash_ = joint.sae.hash;
  } else {
    save(final, folder_);
    hash_ = final.hash;
  }
  std::error_code ignored;
  std::filesystem::remove(checkpoint_path(), ignored);
  done_ = true;
  optimizer_.reset(), gradients_.reset(), loss_.reset();
  sae_ = {};
}

}  // namespace otoscope::sae
