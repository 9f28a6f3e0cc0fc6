// One file, replaced whole: weights, Adam's moments, counters and the step. After a kill the run
// goes on from it to the same bits.
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "sae/train/trainee.h"

namespace otoscope::sae {

std::filesystem::path Trainee::checkpoint_path() const {
  return folder_ / "checkpoints" / "state.safetensors";
}

void Trainee::checkpoint() {
  std::vector<io::NamedTensor> tensors;
  for (const Optimizer::Parameter& p : optimizer_->parameters()) {
    const std::string name = p.name;
    tensors.push_back(io::named(name, p.value->view()));
    tensors.push_back(io::named(name + ".m", p.m.view()));
    tensors.push_back(io::named(name + ".v", p.v.view()));
  }
  const View<const int64_t> idle{idle_.data(), {static_cast<int64_t>(idle_.size())}};
  tensors.push_back(io::named("idle", idle));
  const std::vector<int64_t> control = control_ ? control_->state() : std::vector<int64_t>();
  if (control_) tensors.push_back(io::named("control", View<const int64_t>(control.data(), {3})));
  io::write_safetensors(checkpoint_path(), std::move(tensors),
                        {{"format", "otoscope training checkpoint"},
                         {"plan", plan_},
                         {"step", std::to_string(step_)}});
}

bool Trainee::resume() {
  const std::filesystem::path path = checkpoint_path();
  if (!std::filesystem::exists(path)) return false;
  const char* hint = "remove the folder to start again";
  const auto file = io::Safetensors::open(path);
  const auto field = [&](const char* key) {
    const auto found = file.metadata().find(key);
    if (found == file.metadata().end())
      throw UserError(path.string(), std::string("expected ") + key + " in the metadata", hint);
    return found->second;
  };
  if (field("plan") != plan_)
    throw UserError(folder_.string(),
                    "holds a training that was begun with other options or on other activations",
                    "give another --out, or remove the folder");
  const std::string step = field("step");
  if (step.empty() || step.size() > 12 || step.find_first_not_of("0123456789") != step.npos ||
      std::stoll(step) > options_.steps)
    throw UserError(
        path.string(),
        "expected a step of at most " + std::to_string(options_.steps) + ", got " + step, hint);
  for (Optimizer::Parameter& p : optimizer_->parameters()) {
    const std::string name = p.name;
    *p.value = file.floats(name, p.value->shape());
    p.m = file.floats(name + ".m", p.value->shape());
    p.v = file.floats(name + ".v", p.value->shape());
  }
  const Tensor<int64_t> idle = file.integers("idle");
  if (idle.shape() != Shape{sae_.F()})
    throw UserError(
        path.string(),
        "expected idle of shape " + Shape{sae_.F()}.str() + ", got " + idle.shape().str(), hint);
  idle_.assign(idle.data(), idle.data() + idle.size());
  if (control_) {
    const Tensor<int64_t> control = file.integers("control");
    if (!control_->restore({control.data(), control.data() + control.size()}))
      throw UserError(path.string(), "expected control to hold the state of the penalty's weight",
                      hint);
  }
  step_ = std::stoll(step);
  return true;
}

}  // namespace otoscope::sae
