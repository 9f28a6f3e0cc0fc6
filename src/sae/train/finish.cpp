#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "otoscope/sae/fold.h"
#include "sae/train/threshold.h"
#include "sae/train/trainee.h"

namespace otoscope::sae {

/// Rows that were never trained on choose the threshold; without a dev split, the first batches.
double Trainee::find_threshold() const {
  constexpr int64_t kBlock = 1024, kMostRows = 65536;
  const BatchSource& source = *data_.input;
  const int64_t dev = std::min(source.dev_rows(), kMostRows);
  const int64_t rows = dev > 0 ? dev : std::min<int64_t>(16 * kBlock, source.rows());
  ThresholdFinder finder(sae_, options_.k, rows);
  Tensor<float> x({kBlock, sae_.d()});
  for (int64_t first = 0, i = 0; first < rows; first += kBlock, ++i) {
    const View<float> block = x.view().slice(0, std::min(kBlock, rows - first));
    if (dev > 0)
      source.dev(first, block);
    else
      source.batch(options_.seed_data, i, block);
    for (int64_t j = 0; j < block.size(); ++j) block[j] = static_cast<float>(block[j] * s_in_);
    finder.add(block);
  }
  return finder.threshold();
}

void Trainee::finish() {
  OTO_ASSERT(step_ == options_.steps);
  Sae& final = sae_;
  final.activation = loss_->activation();
  final.k = final.activation == Activation::topk ? options_.k : 0;
  io::OrderedJson ours;
  ours["plan"] = plan_;
  ours["options"] = options_json(options_);
  ours["input"] = data_.input->hash();
  if (data_.target != nullptr) ours["target"] = data_.target->hash();
  ours["scale"] = {{"input", s_in_}, {"target", s_out_}};
  if (options_.arch == "batchtopk" || options_.arch == "matryoshka" || options_.arch == "topk") {
    const double theta = find_threshold();
    ours["threshold"] = theta / s_out_;  // in raw units, as the codes are
    if (options_.arch != "topk") {
      final.threshold = Tensor<float>(Shape{final.F()});
      std::fill_n(final.threshold.data(), final.F(), static_cast<float>(theta));
    }
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
  save(final, folder_);
  std::error_code ignored;
  std::filesystem::remove(checkpoint_path(), ignored);
  done_ = true;
  optimizer_.reset(), gradients_.reset(), loss_.reset();
  sae_ = {};
}

}  // namespace otoscope::sae
