#include "eval/systems.h"

#include "eval/controls.h"
#include "otoscope/core/errors.h"
#include "otoscope/eval/reconstructor.h"

namespace otoscope::eval {

void Systems::add_site(const store::Store& store, bool decode_mean) {
  const auto zeros = std::vector<float>(static_cast<size_t>(store.d()), 0.0f);
  add("zero", store, nullptr, std::make_shared<ConstantReconstructor>(zeros), System::Role::zero,
      false);
  add("mean", store, nullptr, std::make_shared<ConstantReconstructor>(training_mean(store)),
      System::Role::mean, decode_mean);
}

int Systems::add(const std::string& name, const store::Store& store, const store::Store* source,
                 std::shared_ptr<const Reconstructor> reconstructor, System::Role role,
                 bool decode) {
  if (!store.model_hash().empty() && store.model_hash() != inputs_.model->hash())
    throw UserError(store.path().string(),
                    "expected activations of the model given by --model, got those of another (" +
                        store.model_name() + ")",
                    "splice an SAE into the model that it was trained on");
  const model::Site site = model::find_site(inputs_.model->dims(), store.site());
  for (size_t i = 0; i < systems_.size(); ++i) {
    if (role == System::Role::tested && systems_[i].reconstructor != reconstructor.get()) continue;
    if (systems_[i].name == name && systems_[i].site == site) {
      systems_[i].decode = systems_[i].decode || decode;
      return static_cast<int>(i);
    }
  }
  System system{name, site, reconstructor.get(), role, decode, {}};
  if (source != nullptr) system.source = model::find_site(inputs_.model->dims(), source->site());
  systems_.push_back(std::move(system));
  kept_.push_back(std::move(reconstructor));
  return static_cast<int>(systems_.size()) - 1;
}

}  // namespace otoscope::eval
