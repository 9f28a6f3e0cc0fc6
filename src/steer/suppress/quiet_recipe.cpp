/// The recipe "quiet" as a file.
#include "otoscope/io/file.h"
#include "otoscope/steer/recipe.h"
#include "steer/suppress/behind.h"

namespace otoscope::steer {

std::filesystem::path quiet_path(const Setting& setting) {
  return setting.out / "recipes" / "quiet.json";
}

void write_quiet(const Setting& setting, const Behind& behind) {
  namespace fs = std::filesystem;
  const QuietEdit& edit = behind.edit();
  const fs::path path = quiet_path(setting), folder = path.parent_path();
  io::make_folder(folder);
  const auto relative = [&](const sae::Sae& sae) {
    return fs::proximate(fs::absolute(sae.folder), fs::absolute(folder)).generic_string();
  };
  Recipe recipe;
  recipe.name = "quiet";
  recipe.note = "writes nothing where features of the encoder say that nobody speaks: " + edit.name;
  recipe.model_name = setting.in.model_name;
  recipe.model_hash = setting.in.model.hash();
  if (edit.sae != nullptr) {
    recipe.sae_hash = edit.sae->hash;
    recipe.sae_folder = relative(*edit.sae);
  }
  recipe.site = model::site_name(edit.site);
  recipe.operators = edit.operators;
  recipe.when = behind.condition(setting.saes);
  const sae::Sae& sae = *setting.saes[behind.deciding.sae].sae;
  recipe.when_site = model::site_name(recipe.when->site);
  recipe.when_sae_hash = sae.hash;
  recipe.when_sae_folder = relative(sae);
  write_recipe(path, recipe);
}

}  // namespace otoscope::steer
