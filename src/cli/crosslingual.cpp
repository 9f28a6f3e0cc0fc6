#include "otoscope/features/crosslingual.h"

#include <fmt/core.h>

#include <list>
#include <nlohmann/json.hpp>

#include "cli/named_path.h"
#include "cli/verb.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

namespace otoscope::cli {
namespace {

struct CrosslingualVerbOptions {
  std::string sae, activations, labels, out;
  std::vector<std::string> control, control_activations;
  features::CrosslingualOptions crosslingual;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("sae", o.sae, "folder of the SAE");
    v("activations", o.activations, "store of the site that the SAE was trained on");
    v("labels", o.labels, "labels of its clips; none: rates and translations alone");
    v("control", o.control, "NAME=SAE measured beside it (shuffled, frozen)");
    v("control-activations", o.control_activations,
      "NAME=STORE: a control's own rows, as of the shuffled model");
    v("out", o.out, "file for the result, as crosslingual.json");
    features::CrosslingualOptions::visit(o.crosslingual, v);
  }
};

class CrosslingualVerb : public VerbWith<CrosslingualVerbOptions> {
 public:
  std::string example() const override {
    return "crosslingual --sae runs/demo/sae/encoder.out/batchtopk-4096-k32 --activations "
           "runs/demo/activations/encoder.out --labels labels.jsonl --out crosslingual.json";
  }

  int run(const Context& context) override {
    for (const auto& [name, value] : {std::pair{"--sae", options_.sae},
                                      {"--activations", options_.activations},
                                      {"--out", options_.out}})
      if (value.empty()) throw UserError(name, "expected a path, got nothing");
    options_.crosslingual.seed = context.common.seed;
    const store::Store store = store::Store::open(options_.activations);
    std::list<sae::Sae> saes;
    std::list<store::Store> stores;
    const std::filesystem::path folder = options_.sae;
    std::vector<features::CrosslingualSae> all = {
        {(folder.filename().empty() ? folder.parent_path() : folder).filename().string(),
         &saes.emplace_back(sae::load(folder)), &store}};
    for (const std::string& given : options_.control) {
      const auto [name, path] = named_path("--control", given);
      all.push_back({name, &saes.emplace_back(sae::load(path)), &store});
    }
    for (const std::string& given : options_.control_activations) {
      const auto [name, path] = named_path("--control-activations", given);
      const store::Store& own = stores.emplace_back(store::Store::open(path));
      int64_t users = 0;
      for (size_t i = 1; i < all.size(); ++i)
        if (all[i].name == name) all[i].store = &own, ++users;
      if (users == 0)
        throw UserError("--control-activations", "expected the name of a --control, got " + name);
    }
    all[0].categories = features::read_categories(folder / "features.sqlite", saes.front().F());
    std::optional<std::vector<audio::ClipLabels>> labels;
    if (!options_.labels.empty()) labels = audio::read_label_lines(options_.labels);

    const features::Crosslingual result =
        features::measure_crosslingual(all, labels, options_.crosslingual, context.progress);
    const nlohmann::ordered_json json = result.json();
    io::write_json(options_.out, json);
    const std::filesystem::path database = folder / "features.sqlite";
    if (std::filesystem::exists(database)) features::write_crosslingual(database, result);
    context.print(context.common.json ? json.dump(1) : text(result) + "\n" + options_.out);
    return 0;
  }

 private:
  static std::string interval(const Estimate& e) {
    return fmt::format("{:.3f} [{:.3f}, {:.3f}]", e.value, e.low, e.high);
  }

  static std::string text(const features::Crosslingual& result) {
    std::vector<std::vector<std::string>> search = {
        {"translations found by", "first", "chance", "MRR", "p", "p, like length"}};
    for (const auto& one : result.retrieval) {
      if (!one.chosen) continue;
      const features::Retrieval& all = one.result.all;
      search.push_back({(one.of.empty() ? "" : one.of + ": ") + one.what + " " + one.pool,
                        interval(all.top1), fmt::format("{:.3f}", all.chance_top1),
                        fmt::format("{:.3f}", all.mrr.value), fmt::format("{:.3f}", one.result.p),
                        fmt::format("{:.3f}", one.result.p_length)});
    }
    std::string out = text_table(search);
    std::vector<std::vector<std::string>> categories = {
        {"by category", "features", "first", "MRR", "p, like length", "mean r"}};
    for (const auto& one : result.saes.at(0).categories)
      categories.push_back(
          {one.category, std::to_string(one.features), interval(one.search.result.all.top1),
           fmt::format("{:.3f}", one.search.result.all.mrr.value),
           fmt::format("{:.3f}", one.search.result.p_length), fmt::format("{:.3f}", one.mean_r)});
    if (categories.size() > 1) out += "\n\n" + text_table(categories);
    for (const auto& sae : result.saes) {
      out += fmt::format(
          "\n\n{}: {} of {} features go with what is said (r {:.3f} in the mean, by chance "
          "{:.3f})\n",
          sae.name, sae.translations.significant, sae.translations.features,
          sae.translations.mean_r, sae.translations.chance_r);
      std::vector<std::vector<std::string>> pairs = {{"pair", "four times as often in one",
                                                      "chance", "J across", "within", "other",
                                                      "shared"}};
      for (size_t i = 0; i < sae.rates.size(); ++i) {
        const auto& rates = sae.rates[i];
        pairs.push_back({result.languages[static_cast<size_t>(rates.a)] + "-" +
                             result.languages[static_cast<size_t>(rates.b)],
                         interval(rates.fourfold), fmt::format("{:.3f}", rates.fourfold_chance)});
        if (sae.sharing.empty()) continue;
        const auto& sharing = sae.sharing[i];
        for (const Estimate* e : {&sharing.across, &sharing.within, &sharing.other})
          pairs.back().push_back(fmt::format("{:.3f}", e->value));
        pairs.back().push_back(interval(sharing.shared));
      }
      out += text_table(pairs);
    }
    return out;
  }
};

}  // namespace

std::unique_ptr<Verb> make_crosslingual() { return std::make_unique<CrosslingualVerb>(); }

}  // namespace otoscope::cli
