#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/core/text.h"
#include "otoscope/model/convert.h"
#include "otoscope/model/registry.h"
#include "otoscope/sae/formats.h"
#include "otoscope/steer/fold.h"

namespace otoscope::cli {
namespace {

struct ConvertOptions {
  std::string from, to = "saelens", site, model, dtype = "auto", recipe_sae;
  std::vector<std::string> recipe;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("to", o.to, "format to write: the first two for an SAE, the others for a model",
      Choices{{"saelens", "sparsify", "hf", "ctranslate2"}});
    v("from", o.from,
      "format of an SAE, default by its files (saelens, sparsify, "
      "dictionary_learning)");
    v("site", o.site, "site to write into an SAE's file, where SRC names none of ours");
    v("model", o.model, "model name to write into an SAE's file");
    v("dtype", o.dtype, "of a model's weights; auto = f16 where that holds every value exactly",
      Choices{{"auto", "f16", "f32"}});
    v("recipe", o.recipe, "steering recipes to fold into a model's weights, one a site");
    v("recipe-sae", o.recipe_sae, "where the recipes' SAE is now, if not where they say");
  }
};

bool is_model(const std::string& name_or_folder) {
  std::error_code ignored;
  if (std::filesystem::is_directory(name_or_folder, ignored))
    return model::is_checkpoint(name_or_folder);
  for (const model::KnownModel& known : model::known_models())
    if (known.name == name_or_folder) return true;
  return false;
}

class Convert : public VerbWith<ConvertOptions> {
 public:
  std::string usage() const override { return "SRC DST"; }
  std::string example() const override { return "convert whisper-base exported --to hf"; }
  std::pair<int, int> positional() const override { return {2, 2}; }

  int run(const Context& context) override {
    const bool to_model = options_.to == "hf" || options_.to == "ctranslate2";
    if (!to_model && !options_.recipe.empty())
      throw UserError("--recipe",
                      "expected --to hf or --to ctranslate2 with it, got --to " + options_.to);
    if (!to_model && is_model(context.arguments[0]))
      throw UserError(context.arguments[0],
                      "expected an SAE for --to " + options_.to + ", got a model",
                      "models are written with --to hf or --to ctranslate2");
    if (to_model)
      convert_model(context);
    else
      convert_sae(context);
    return 0;
  }

 private:
  void convert_model(const Context& context) const {
    model::ConvertOptions how;
    how.to = model::container_named(options_.to);
    how.dtype = options_.dtype;
    for (const std::string& file : options_.recipe) {
      const steer::Recipe recipe = steer::read_recipe(file);
      if (!how.source_hash.empty() && how.source_hash != recipe.model_hash)
        throw UserError(file, "expected recipes for one model, got another model's");
      how.source_hash = recipe.model_hash;
      how.edits.push_back(steer::weight_edit(recipe, options_.recipe_sae));
    }
    const model::Converted made =
        model::convert_model(context.arguments[0], context.arguments[1], how, context.progress);
    if (context.common.json)
      context.print(nlohmann::ordered_json{{"folder", context.arguments[1]},
                                           {"format", options_.to},
                                           {"dtype", made.dtype},
                                           {"hash", made.hash},
                                           {"sha256", made.sha256},
                                           {"tensors", made.tensors},
                                           {"bytes", made.bytes},
                                           {"rounded", made.rounded}}
                        .dump(1));
    else
      context.print(fmt::format(
          "{}: {} tensors ({}) in {}, as {}{}", context.arguments[1], made.tensors,
          human_bytes(made.bytes), made.dtype, options_.to,
          made.rounded > 0 ? fmt::format("; {} values were rounded", made.rounded) : ""));
  }

  void convert_sae(const Context& context) const {
    const std::filesystem::path from = context.arguments[0], to = context.arguments[1];
    if (std::filesystem::exists(to / "cfg.json"))
      throw UserError(to.string(), "there is an SAE already", "give another folder");
    sae::Sae sae = sae::load_any(from, options_.from);
    if (!options_.site.empty()) sae.site = options_.site;
    if (!options_.model.empty()) sae.model_name = options_.model;
    if (options_.to == "saelens")
      sae::save(sae, to);
    else
      sae::save_sparsify(sae, to);
    if (context.common.json)
      context.print(nlohmann::ordered_json{
          {"folder", to.string()},
          {"format", options_.to},
          {"architecture", sae.architecture},
          {"d", sae.d()},
          {"latents",
           sae.F()}}.dump(1));
    else
      context.print(fmt::format("{}: {} with {} features of width {}, as {}", to.string(),
                                sae.architecture, sae.F(), sae.d(), options_.to));
  }
};

}  // namespace

std::unique_ptr<Verb> make_convert() { return std::make_unique<Convert>(); }

}  // namespace otoscope::cli
