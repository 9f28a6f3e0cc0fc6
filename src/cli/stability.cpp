#include "otoscope/features/stability.h"

#include <fmt/core.h>

#include <algorithm>
#include <list>
#include <nlohmann/json.hpp>

#include "cli/named_path.h"
#include "cli/verb.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

namespace otoscope::cli {
namespace {

struct StabilityVerbOptions {
  std::vector<std::string> sae, control, control_activations;
  std::string activations, out;
  features::StabilityOptions stability;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("sae", o.sae, "folders of SAEs that differ by their seeds, two or more");
    v("control", o.control,
      "NAME=SAE of another kind (shuffled, frozen), matched with each; twice the same name: also "
      "with each other");
    v("control-activations", o.control_activations,
      "NAME=STORE: a control's own rows, as of the shuffled model");
    v("activations", o.activations, "store of the site that the SAEs were trained on");
    v("out", o.out, "file for the result, as stability.json");
    features::StabilityOptions::visit(o.stability, v);
  }
};

std::string short_name(const std::filesystem::path& folder) {
  const auto name = folder.filename();
  return (name.empty() ? folder.parent_path().filename() : name).string();
}

class StabilityVerb : public VerbWith<StabilityVerbOptions> {
 public:
  std::string example() const override {
    return "stability --sae sae/batchtopk-4096-k32,sae/batchtopk-4096-k32-s1-d1 --activations "
           "runs/demo/activations/encoder.out --out stability.json";
  }

  int run(const Context& context) override {
    for (const auto& [name, value] :
         {std::pair{"--activations", options_.activations}, {"--out", options_.out}})
      if (value.empty()) throw UserError(name, "expected a path, got nothing");
    options_.stability.seed = context.common.seed;
    const store::Store store = store::Store::open(options_.activations);
    std::list<sae::Sae> saes;
    std::list<store::Store> stores;
    std::vector<features::StabilitySae> tested, controls;
    for (const std::string& folder : options_.sae)
      tested.push_back({short_name(folder), &saes.emplace_back(sae::load(folder))});
    for (const std::string& given : options_.control) {
      const auto [name, folder] = named_path("--control", given);
      controls.push_back({name, &saes.emplace_back(sae::load(folder))});
    }
    for (const std::string& given : options_.control_activations) {
      const auto [name, folder] = named_path("--control-activations", given);
      const store::Store& own = stores.emplace_back(store::Store::open(folder));
      int64_t users = 0;
      for (auto& control : controls)
        if (control.name == name) control.store = &own, ++users;
      if (users == 0)
        throw UserError("--control-activations", "expected the name of a --control, got " + name);
    }

    const features::Stability result =
        features::measure_stability(tested, controls, store, options_.stability, context.progress);
    const nlohmann::ordered_json json = result.json();
    io::write_json(options_.out, json);
    const std::vector<std::string> without = write_tables(result);
    if (context.common.json) {
      context.print(json.dump(1));
    } else {
      context.print(table(result));
      for (const std::string& name : without)
        context.print(name + " has no features.sqlite yet: describe it, and run this again");
      context.print(options_.out);
    }
    return 0;
  }

 private:
  std::vector<std::string> write_tables(const features::Stability& result) const {
    std::string identity = "store " + result.store_hash;
    for (const auto& one : result.saes) identity += " sae " + one.sae->hash;
    std::vector<std::string> without;
    for (size_t i = 0; i < result.saes.size(); ++i) {
      const auto path = std::filesystem::path(options_.sae[i]) / "features.sqlite";
      if (std::filesystem::exists(path))
        features::write_stability(path, result.found[i], static_cast<int64_t>(result.saes.size()),
                                  identity);
      else
        without.push_back(options_.sae[i]);
    }
    return without;
  }

  static std::string table(const features::Stability& result) {
    const auto percent = [](double x) { return fmt::format("{:.1f} %", 100 * x); };
    // SAEs by number, so that a row fits a terminal.
    const auto number = [&](const std::string& name) {
      for (size_t i = 0; i < result.saes.size(); ++i)
        if (result.saes[i].name == name) return std::to_string(i + 1);
      return name;
    };
    std::string text;
    for (size_t i = 0; i < result.saes.size(); ++i)
      text += fmt::format("{} is {}\n", i + 1, result.saes[i].name);
    std::vector<std::vector<std::string>> rows = {
        {"a", "b", "mutual", ">= .5", ">= .7", ">= .9", "PW-MCC", "IoU > .5", "chance"}};
    const auto add = [&](const features::PairStability& p) {
      const bool codes = !p.covered_a.method.empty();
      rows.push_back(
          {number(p.a), number(p.b), percent(p.mutual.value), percent(p.mutual_at[0].value),
           percent(p.mutual_at[1].value), percent(p.mutual_at[2].value),
           p.assigned ? fmt::format("{:.3f}", p.pw_mcc.value) : "-",
           codes ? percent(p.covered_a.value) : "-", codes ? percent(p.covered_chance) : "-"});
      if (p.differs != "control" && p.differs != "null") rows.back()[1] += " (" + p.differs + ")";
    };
    for (const auto* list : {&result.pairs, &result.controls, &result.nulls})
      for (const auto& pair : *list) add(pair);
    text += text_table(rows);
    for (size_t i = 0; i < result.saes.size(); ++i) {
      const auto& found = result.found[i];
      int64_t all = 0, live = 0;
      for (size_t f = 0; f < found.live.size(); ++f) {
        live += found.live[f];
        all += found.seeds[f] == static_cast<int32_t>(result.saes.size());
      }
      text += fmt::format("\n{}: {} of {} live features found by all {} seeds", result.saes[i].name,
                          all, live, result.saes.size());
    }
    return text;
  }
};

}  // namespace

std::unique_ptr<Verb> make_stability() { return std::make_unique<StabilityVerb>(); }

}  // namespace otoscope::cli
