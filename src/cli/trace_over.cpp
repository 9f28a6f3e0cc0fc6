#include "cli/trace_over.h"

#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/model/decode.h"
#include "otoscope/store/corpora.h"
#include "otoscope/store/extract.h"

namespace otoscope::cli {
namespace {

std::string with_interval(const Estimate& e, int digits) {
  if (!std::isfinite(e.value)) return "-";
  if (!std::isfinite(e.low)) return fmt::format("{:.{}f}", e.value, digits);
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", e.value, digits, e.low, digits, e.high, digits);
}

std::string site_tables(const circuits::DatasetSite& site) {
  std::string text = fmt::format("\n{} ({})\n", site.site, site.sae);
  std::vector<std::vector<std::string>> rows = {
      {"feature", "foretold if set to reference", "fires in", "same sign", "set, test clips"}};
  for (size_t i = 0; i < site.circuit.size() && i < 10; ++i) {
    const circuits::FeatureEffect& f = site.circuit[i];
    std::string measured = "";
    for (const auto& [feature, change] : site.removed)
      if (feature == f.feature) measured = with_interval(change, 3);
    rows.push_back({"#" + std::to_string(f.feature), with_interval(f.effect, 3),
                    std::to_string(f.clips) + " clips", fmt::format("{:.2f}", f.same_sign),
                    measured});
  }
  text += text_table(rows);
  if (!site.removed_at_random.empty()) {
    double largest = 0;
    for (const auto& [feature, change] : site.removed_at_random)
      largest = std::max(largest, std::abs(change.value));
    text += fmt::format("\n{} random features set, one by one: at most {:.3f}",
                        site.removed_at_random.size(), largest);
  }
  text += fmt::format(
      "\nall features set: foretold {:+.3f}, measured {:+.3f}; the SAE's error by itself {:+.3f}\n",
      site.predicted, site.measured, site.error_effect);
  const circuits::CircuitChecks& c = site.checks;
  text += text_table({{"on test clips", ""},
                      {"metric", with_interval(c.whole, 3)},
                      {"without features", with_interval(c.none, 3)},
                      {"what there is to explain", with_interval(c.effect, 3)},
                      {fmt::format("faithfulness of {} features", site.stability.k),
                       with_interval(c.faithfulness, 2)},
                      {"completeness (near 0 is good)", with_interval(c.completeness, 2)},
                      {fmt::format("faithfulness of random ones ({} draws)", c.draws),
                       with_interval(c.random_faithfulness, 2)},
                      {"draws beaten", fmt::format("{:.0f} %", 100 * c.beats_random)}});
  rows = {{"found again?", "Jaccard"},
          {"clusters drawn again (bootstrap)", with_interval(site.stability.bootstrap, 2)},
          {"a fifth fewer, more: contained",
           fmt::format("{:.2f}, {:.2f}", site.stability.smaller, site.stability.larger)}};
  for (const auto& [what, value] : site.again) rows.push_back({what, fmt::format("{:.2f}", value)});
  rows.push_back({"chance", fmt::format("{:.3f}", site.stability.chance)});
  return text + "\n\n" + text_table(rows) + "\n";
}

}  // namespace

void trace_over(const std::string& model_name, const OverOptions& options,
                const std::filesystem::path& out, const Context& context) {
  if (options.sae.empty())
    throw UserError("--sae", "expected folders of SAEs of streams, got none");
  std::vector<sae::Sae> saes;
  for (const std::string& folder : options.sae) {
    saes.push_back(sae::load(folder));
    if (!saes.back().target_site.empty() && saes.back().target_site != saes.back().site)
      throw UserError(folder, "expected an SAE of a stream, got a transcoder",
                      "transcoders make exact graphs of one clip: trace AUDIO --transcoders");
  }
  store::Manifest manifest = store::read_manifest(store::resolve_manifest(options.over));
  store::assign_splits(manifest.clips);
  const bool by_speaker = store::clusters_by_speaker(manifest.clips);  // as the splits are
  if (options.dataset.metric == "words")
    std::erase_if(manifest.clips, [](const store::Clip& clip) {
      return !clip.speech || !clip.text || clip.text->empty();
    });
  store::ExtractOptions select;
  select.limit = options.dataset.clips, select.split = "test";
  const std::vector<store::Clip> test = store::selected(manifest.clips, select);
  std::erase_if(manifest.clips, [](const store::Clip& clip) { return clip.split == "test"; });
  select.split = "all";
  const std::vector<store::Clip> choose = store::selected(manifest.clips, select);

  const auto model = model::Whisper::load(model_name, {}, context.progress);
  const auto tokenizer = model::load_tokenizer(model, context.progress);
  const auto read = [&](const std::vector<store::Clip>& clips) {
    return circuits::attribution_clips(model, tokenizer, clips, by_speaker, options.dataset.metric,
                                       context.progress);
  };
  const circuits::DatasetCircuit circuit =
      circuits::find_circuit(model, saes, read(choose), read(test), options.dataset,
                             context.common.seed, context.progress);
  const nlohmann::ordered_json json = circuits::to_json(circuit, options.dataset);
  if (!out.parent_path().empty()) io::make_folder(out.parent_path());
  io::write_json(out, json);
  if (context.common.json) return context.print(json.dump(1));
  std::string text = fmt::format(
      "Attribution of {} over {} clips ({} clusters), tested on {} others ({}). Not an exact "
      "graph.\n",
      circuit.metric, circuit.chosen_on, circuit.clusters, circuit.tested_on,
      circuit.test_clusters);
  for (const circuits::DatasetSite& site : circuit.sites) text += site_tables(site);
  context.print(text + "\nwritten: " + out.string());
}

}  // namespace otoscope::cli
