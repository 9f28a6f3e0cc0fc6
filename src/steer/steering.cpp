/// A recipe made ready to run: bound to its model and its SAEs.
#include <fmt/format.h>

#include "otoscope/core/errors.h"
#include "otoscope/steer/recipe.h"

namespace otoscope::steer {
namespace {

std::string short_hash(const std::string& hash) {
  return hash.size() > 12 ? hash.substr(0, 12) + "…" : hash;
}

std::unique_ptr<sae::Sae> load_sae(const Recipe& recipe, const std::string& given,
                                   const std::string& hash, bool relative,
                                   const std::string& where) {
  const std::filesystem::path folder = relative
                                           ? (recipe.path.parent_path() / given).lexically_normal()
                                           : std::filesystem::path(given);
  auto sae = std::make_unique<sae::Sae>(sae::load(folder));
  if (sae->hash != hash)
    throw UserError(where,
                    fmt::format("made with the SAE {}, got {} in {}", short_hash(hash),
                                short_hash(sae->hash), folder.string()),
                    "features of another SAE are other features");
  return sae;
}

}  // namespace

Steering::Steering(const Recipe& recipe, const model::Whisper& model,
                   const std::filesystem::path& sae_folder) {
  const std::string where = recipe.path.empty() ? "recipe" : recipe.path.string();
  if (recipe.model_hash != model.hash())
    throw UserError(where,
                    fmt::format("made for model {} ({}), got {} ({})", recipe.model_name,
                                short_hash(recipe.model_hash), model.folder().filename().string(),
                                short_hash(model.hash())),
                    "a recipe holds for the model it was made with");
  if (recipe.names_features())
    sae_ = load_sae(recipe, sae_folder.empty() ? recipe.sae_folder : sae_folder.string(),
                    recipe.sae_hash, sae_folder.empty(), where);
  const model::Site site = model::find_site(model.dims(), recipe.site);
  SteerOptions options;
  options.form = recipe.form;
  try {
    hook_ = std::make_unique<SteerHook>(model.dims(), site, recipe.operators, sae_.get(), options);
  } catch (const UserError& error) {
    throw UserError(where, error.problem());
  }
  if (recipe.when) set_condition(recipe, model, where);
}

void Steering::set_condition(const Recipe& recipe, const model::Whisper& model,
                             const std::string& where) {
  // The operators' own SAE may have been moved by the caller; another one lies where it was.
  if (sae_ && sae_->hash == recipe.when_sae_hash)
    when_sae_ = std::make_unique<sae::Sae>(sae::load(sae_->folder));
  else
    when_sae_ = load_sae(recipe, recipe.when_sae_folder, recipe.when_sae_hash, true, where);
  Condition condition = *recipe.when;
  condition.site = model::find_site(model.dims(), recipe.when_site);
  try {
    gate_ = std::make_unique<Gate>(std::move(condition), *when_sae_);
  } catch (const UserError& error) {
    throw UserError(where, error.problem());
  }
  gated_ = std::make_unique<GatedHook>(*gate_, *hook_);
}

std::vector<model::Hook*> Steering::hooks() {
  if (!gate_) return {hook_.get()};
  return {gate_.get(), gated_.get()};
}

}  // namespace otoscope::steer
