#include "eval/check_fit.h"

#include "otoscope/core/errors.h"
#include "otoscope/store/same_rows.h"

namespace otoscope::eval {

void check_fit(const sae::Sae& sae, const store::Store& store, const std::string& name) {
  const auto differ = [](const std::string& a, const std::string& b) {
    return !a.empty() && !b.empty() && a != b;
  };
  if (sae.d() != store.d())
    throw UserError(name,
                    "expected activations of width " + std::to_string(sae.d()) + ", got " +
                        std::to_string(store.d()) + " in " + store.path().string(),
                    "the SAE belongs to another site or model");
  if (differ(sae.site, store.site()))
    throw UserError(name, "expected activations of " + sae.site + ", got " + store.site());
  if (differ(sae.model_hash, store.model_hash()))
    throw UserError(name,
                    "expected activations of the model that the SAE was trained on, got those of "
                    "another (" +
                        store.model_name() + ")",
                    "give that model's store, or extract again");
}

void check_target(const sae::Sae& sae, const store::Store& store, const store::Store* target,
                  const std::string& name) {
  const bool transcoder = sae.d() != sae.d_out() || !sae.W_skip.empty() ||
                          (!sae.target_site.empty() && sae.target_site != sae.site);
  if (transcoder && target == nullptr)
    throw UserError(name, "expected activations of " + sae.target_site + " too, got none",
                    "give --target-activations: a transcoder rebuilds another site");
  if (target == nullptr) return;
  if (!transcoder)
    throw UserError(name, "expected a transcoder for " + target->path().string() + ", got an SAE");
  if (sae.d_out() != target->d())
    throw UserError(name, "expected target activations of width " + std::to_string(sae.d_out()) +
                              ", got " + std::to_string(target->d()));
  if (!sae.target_site.empty() && !target->site().empty() && sae.target_site != target->site())
    throw UserError(
        name, "expected target activations of " + sae.target_site + ", got " + target->site());
  store::check_same_rows(store, *target, target->path().string());
}

}  // namespace otoscope::eval
