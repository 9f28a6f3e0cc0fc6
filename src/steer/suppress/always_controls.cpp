#include "steer/suppress/always_controls.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/rng.h"
#include "steer/suppress/always_run.h"

namespace otoscope::steer {
namespace {

constexpr int64_t kDoseOn = 16;  // windows that doses are made equal on

/// Features of the same SAE that fire on sounds about as strongly, nearest first, without these.
std::vector<int32_t> like(const Listened& listened, const AlwaysOn& edit, size_t count) {
  const View<const float> mean = listened.pooled[edit.sae].mean.view();
  std::vector<double> level(static_cast<size_t>(mean.width()), 0);
  for (int64_t i = 0; i < mean.rows(); ++i)
    for (int64_t j = 0; j < mean.width(); ++j)
      level[static_cast<size_t>(j)] += static_cast<double>(mean.at(i, j));
  std::vector<int32_t> targets = edit.up;
  targets.insert(targets.end(), edit.down.begin(), edit.down.end());
  double wanted = 0;
  for (const int32_t j : targets)
    wanted += std::log(level[static_cast<size_t>(j)] + 1e-9) / static_cast<double>(targets.size());
  std::vector<std::pair<double, int32_t>> order;
  for (size_t j = 0; j < level.size(); ++j)
    if (level[j] > 0 &&
        std::find(targets.begin(), targets.end(), static_cast<int32_t>(j)) == targets.end())
      order.emplace_back(std::abs(std::log(level[j] + 1e-9) - wanted), static_cast<int32_t>(j));
  std::sort(order.begin(), order.end());
  std::vector<int32_t> found;
  for (size_t i = 0; i < order.size() && i < count; ++i) found.push_back(order[i].second);
  return found;
}

/// Mean dose of each edit on a few sounds, without decoding.
void equal_doses(const model::Whisper& model, std::span<const SoundWindow> sounds,
                 const model::Site& site, SteerHook& target, std::vector<Ready>& others) {
  const HeardBatch batch = load_batch(
      sounds, 0, std::min<int64_t>(kDoseOn, static_cast<int64_t>(sounds.size())), model.dims());
  model::Recorder recorder({site});
  model::Hook* hook = &recorder;
  model.encode(batch.mel, batch.rows(), {&hook, 1}, site);
  const auto dose_of = [&](SteerHook& edit) {
    Tensor<float> x = recorder.last(site).clone();
    model::Rows rows = batch.rows();
    rows.T = x.shape()[1];
    edit.reset_dose();
    edit.replace(site, rows, x);
    const double dose = edit.dose().relative();
    edit.reset_dose();
    return dose;
  };
  const double wanted = dose_of(target);
  for (Ready& other : others) {
    const double dose = dose_of(*other.hook);
    if (dose > 0) other.hook->set_gain(wanted / dose);
  }
}

}  // namespace

void run_controls(const model::Whisper& model, const model::Tokenizer& tokenizer,
                  std::span<const SoundWindow> sounds, std::span<const SiteSae> saes,
                  const Listened& pooled, const AlwaysOptions& options, AlwaysSearch& search,
                  Progress& progress) {
  const AlwaysOn& strongest = search.fine[*search.strongest].edit;
  const size_t k = strongest.up.size() + strongest.down.size();
  const auto wanted = static_cast<size_t>(options.controls);
  const std::vector<int32_t> near = like(pooled, strongest, wanted * k);
  const size_t count = near.size() / k;  // fewer where the SAE has not as many live features
  Rng rng(options.seed, "suppress: random controls");
  std::vector<Ready> features, directions;
  for (size_t c = 0; c < count; ++c) {
    AlwaysOn edit{strongest.sae, {}, {}, strongest.gain};
    for (size_t j = 0; j < k; ++j)
      (j < strongest.up.size() ? edit.up : edit.down).push_back(near[c + j * count]);
    std::sort(edit.up.begin(), edit.up.end());
    std::sort(edit.down.begin(), edit.down.end());
    features.push_back(make_ready(model, saes, edit));
  }
  for (size_t c = 0; c < wanted; ++c) {
    SteerOptions steer;
    for (int64_t i = 0; i < saes[strongest.sae].sae->d(); ++i)
      steer.redirect.push_back(static_cast<float>(rng.normal()));
    directions.push_back(make_ready(model, saes, strongest, std::move(steer)));
  }
  const Ready target = make_ready(model, saes, strongest);
  equal_doses(model, sounds, saes[strongest.sae].site, *target.hook, features);
  run_ready(model, tokenizer, sounds, {}, saes, features, options, "random features", progress);
  run_ready(model, tokenizer, sounds, {}, saes, directions, options, "random directions", progress);
  search.random_features = tried_of(features);
  search.random_directions = tried_of(directions);
}

}  // namespace otoscope::steer
