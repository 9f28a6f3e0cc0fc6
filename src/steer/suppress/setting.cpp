#include "steer/suppress/setting.h"

#include "otoscope/core/errors.h"

namespace otoscope::steer {
namespace {

model::Site site_of(const model::Whisper& model, const sae::Sae& sae) {
  if (!sae.model_hash.empty() && sae.model_hash != model.hash())
    throw UserError(sae.folder.string(), "was trained on activations of another model",
                    "features of another model are other features");
  const model::Site site = model::find_site(model.dims(), sae.site);
  if (site.stack != model::Stack::encoder || !model::is_row_site(site))
    throw UserError(sae.folder.string(),
                    "expected an SAE of a site of the encoder, got " + sae.site);
  return site;
}

}  // namespace

std::string Setting::identity() const {
  std::string text = "3 " + in.model.hash() +
                     (in.model.precision() == Precision::bf16 ? " bf16\n" : " f32\n") +
                     hear.language + "\n";
  for (const SiteSae& one : saes) text += one.sae->hash + "\n";
  return text;
}

Setting setting_of(const SuppressInputs& inputs, const SuppressOptions& options,
                   std::filesystem::path out, Progress& progress) {
  Setting setting{inputs, options, std::move(out), progress, {}, {}};
  setting.hear.language = options.language;
  setting.hear.batch = kSuppressBatch;
  for (const sae::Sae* sae : inputs.saes)
    setting.saes.push_back({site_of(inputs.model, *sae), sae});
  return setting;
}

}  // namespace otoscope::steer
