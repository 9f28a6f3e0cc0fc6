#include "sae/train/trainee.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"

namespace otoscope::sae {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The file that is written last, and where in it the plan is.
struct Finished {
  const char *file, *plan;
};

Finished finished_of(const TrainData& data) {
  return data.several() ? Finished{"otoscope.json", "/plan"}
                        : Finished{"cfg.json", "/metadata/otoscope/plan"};
}

/// The plan that a finished SAE was trained by, or "".
std::string plan_in(const std::filesystem::path& file, const char* at) {
  const io::Json json = io::read_json(file);
  const auto ours = io::Json::json_pointer(at);
  return json.contains(ours) && json[ours].is_string() ? json[ours].get<std::string>() : "";
}

/// What a killed process left of files it was writing. The lock is ours, so nobody writes now.
void remove_leftovers(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() &&
        entry.path().filename().string().find(".tmp-") != std::string::npos) {
      std::error_code ignored;
      std::filesystem::remove(entry.path(), ignored);
    }
}

}  // namespace

Trainee::Trainee(const TrainOptions& resolved, const TrainData& data, std::filesystem::path folder)
    : options_(resolved),
      data_(data),
      name_(kind_of(data) + name_of(resolved)),
      plan_(plan_hash(resolved, data)),
      folder_(std::move(folder)) {
  io::make_folder(folder_ / "checkpoints");
  lock_ = std::make_unique<io::FolderLock>(folder_);
  remove_leftovers(folder_);
  const Finished finished = finished_of(data);
  if (!std::filesystem::exists(folder_ / finished.file)) return;
  if (plan_in(folder_ / finished.file, finished.plan) != plan_)
    throw UserError(folder_.string(),
                    "holds an SAE that was trained with other options or on other activations",
                    "give another --out, or remove the folder");
  done_ = true;
  step_ = options_.steps;
}

void Trainee::begin(const DataStart& start) {
  s_in_ = start.s_in, s_out_ = start.s_out;
  sae_ = initial_sae(options_, start, data_);
  LossOptions loss = loss_options(options_);
  loss.sources = data_.sources(), loss.outputs = data_.outputs();
  loss_ = make_loss(loss, sae_.d(), sae_.d_out(), sae_.F());
  gradients_ = std::make_unique<Gradients>(sae_);
  const int64_t summed = data_.sources() == 1 ? data_.outputs() : 1;
  optimizer_ = std::make_unique<Optimizer>(sae_, *gradients_, loss_->unit_norm(),
                                           options_.freeze_decoder, summed);
  idle_.assign(static_cast<size_t>(sae_.F()), 0);
  if (is_led(options_))
    control_.emplace(static_cast<double>(options_.k),
                     default_sparsity(options_.arch, sae_.d_out()));
  resume();
  restart_log();
}

void Trainee::advance(View<const float> x, View<const float> y, bool measure) {
  const auto started = Clock::now();
  StepState state;
  state.sparsity_scale = sparsity_at(options_, step_) * (control_ ? control_->weight() : 1.0);
  state.measure = measure;
  for (size_t f = 0; f < idle_.size(); ++f)
    if (idle_[f] >= options_.dead_window) state.dead.push_back(static_cast<int32_t>(f));
  dead_ = static_cast<int64_t>(state.dead.size());
  last_ = loss_->run(sae_, x, y, state, *gradients_);
  const std::string where = name_ + ", step " + std::to_string(step_ + 1);
  if (!std::isfinite(last_.total))
    throw UserError(where, "the loss is not finite",
                    "NaN or infinity in the activations, or too large a learning rate; the last "
                    "checkpoint is kept");
  kernels::AdamOptions adam;
  adam.lr = options_.lr * rate_at(options_, step_);
  adam.beta1 = options_.beta1, adam.beta2 = options_.beta2, adam.eps = options_.eps;
  gradient_norm_ = optimizer_->step(step_ + 1, adam, options_.clip);
  if (!std::isfinite(gradient_norm_))
    throw UserError(where, "the gradient is not finite", "lower --lr; the last checkpoint is kept");
  const std::vector<uint8_t>& fired = loss_->fired();
  for (size_t f = 0; f < idle_.size(); ++f) idle_[f] = fired[f] != 0 ? 0 : idle_[f] + x.rows();
  // While the penalty still rises, L0 says nothing of its weight.
  if (control_ && sparsity_at(options_, step_) == 1.0) control_->see(last_.l0);
  ++step_;
  seconds_ += seconds_since(started);
}

std::string Trainee::live() const {
  char text[96];
  std::snprintf(text, sizeof text, "loss %.4f fvu %.4f l0 %.1f dead %lld", last_.total,
                last_.squared_target > 0 ? last_.squared_error / last_.squared_target : 0.0,
                last_.l0, static_cast<long long>(dead_));
  return text;
}

}  // namespace otoscope::sae
