#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/core/text.h"
#include "otoscope/sae/formats.h"

namespace otoscope::cli {
namespace {

struct ConvertOptions {
  std::string from, to = "saelens", site, model;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("to", o.to, "format to write", Choices{{"saelens", "sparsify"}});
    v("from", o.from,
      "format of SRC, default by its files (saelens, sparsify, "
      "dictionary_learning)");
    v("site", o.site, "site to write into the file, where SRC names none of ours");
    v("model", o.model, "model name to write into the file");
  }
};

class Convert : public VerbWith<ConvertOptions> {
 public:
  std::string usage() const override { return "SRC DST"; }
  std::string example() const override {
    return "convert downloads/encoder.blocks.3 runs/imported --to saelens --site "
           "encoder.blocks.3.resid_post";
  }
  std::pair<int, int> positional() const override { return {2, 2}; }

  int run(const Context& context) override {
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
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_convert() { return std::make_unique<Convert>(); }

}  // namespace otoscope::cli
