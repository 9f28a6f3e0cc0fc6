#pragma once
/// A steering recipe as a file, bound by hash to the model and the SAE it was made with
/// (docs/steer.md, "Recipes").

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/model/whisper.h"
#include "otoscope/sae/sae.h"
#include "otoscope/steer/condition.h"
#include "otoscope/steer/hook.h"
#include "otoscope/steer/operator.h"

namespace otoscope::steer {

struct Recipe {
  std::string name, note;  // for people
  std::string model_name, model_hash;
  /// Folder of the SAE, relative to the recipe's; both empty where no operator names a feature.
  std::string sae_folder, sae_hash;
  std::string site;
  Form form = Form::preserving;
  /// Without what names clips of one run: swap, and `where.ranges`.
  std::vector<Operator> operators;
  /// The edit acts only on windows where this holds. Its features are of an SAE of its own, which
  /// may be of another site than the operators'; Steering finds `when->site` by the name.
  std::optional<Condition> when;
  std::string when_site, when_sae_folder, when_sae_hash;
  std::filesystem::path path;  // where it was read

  /// It needs its SAE: an operator on features, or a splice.
  bool names_features() const;
};

/// {"schema": "otoscope.recipe", "version": 1, "name", "note", "model": {"name", "hash"}, "sae":
/// {"folder", "hash"}, "site", "form", "operators": [{"action", "strength", "features", "units",
/// "directions": [[d numbers]], "unit", "where": {"padding", "firing", "first", "end",
/// "first_step", "end_step"}}], "when": {"site", "pool", "features", "weights", "bias", "sae"}}.
/// Unknown keys, other versions, more than 64 operators, 65,536 features or 256 directions:
/// UserError "[where] …".
Recipe parse_recipe(std::string_view json, std::string_view where);
Recipe read_recipe(const std::filesystem::path& path);
/// Whole or absent. UserError for operators that belong to one run.
void write_recipe(const std::filesystem::path& path, const Recipe& recipe);

/// A recipe ready to run on a model.
class Steering {
 public:
  /// sae_folder: where the SAE is now; empty: where the recipe says. UserError where the model or
  /// the SAE has another hash than the recipe's.
  Steering(const Recipe& recipe, const model::Whisper& model,
           const std::filesystem::path& sae_folder = {});
  /// The edit itself, which knows nothing of a condition.
  SteerHook& hook() { return *hook_; }
  const sae::Sae* sae() const { return sae_.get(); }
  /// What a pass is given: the edit, or its gate and the edit behind it.
  std::vector<model::Hook*> hooks();
  /// Null where the recipe has no condition.
  const Gate* gate() const { return gate_.get(); }

 private:
  void set_condition(const Recipe& recipe, const model::Whisper& model, const std::string& where);

  std::unique_ptr<sae::Sae> sae_, when_sae_;
  std::unique_ptr<SteerHook> hook_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<GatedHook> gated_;
};

}  // namespace otoscope::steer
