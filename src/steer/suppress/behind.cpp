#include "steer/suppress/behind.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "steer/suppress/always.h"

namespace otoscope::steer {
namespace {

constexpr size_t kBehindOn = 16;  // windows that edits behind the condition are tried on

/// Sounds of train and dev for which the condition holds.
std::vector<SoundWindow> held_by(const Silencer& gate, const Gathered& gathered) {
  const std::vector<uint8_t> silent = gate.silent(gathered.windows, gathered.all);
  std::vector<SoundWindow> held;
  for (const int64_t i : gathered.places(false, {Part::train, Part::dev}))
    if (silent[static_cast<size_t>(i)] != 0 && held.size() < kBehindOn)
      held.push_back(gathered.windows[static_cast<size_t>(i)]);
  return held;
}

EndDirection ending(const Setting& setting, const std::vector<SoundWindow>& sounds,
                    const std::vector<SoundWindow>& speech) {
  const SuppressInputs& in = setting.in;
  const io::Json kept = remembered(
      setting.cache(), "end", setting.identity() + identity_of(sounds) + identity_of(speech), [&] {
        const EndDirection end = find_end(in.model, in.tokenizer, sounds, speech, setting.hear);
        return io::Json{{"v", end.v}, {"unit", end.unit}, {"length", end.length}};
      });
  return {end_site(in.model), kept.at("v").get<std::vector<float>>(), kept.at("unit").get<double>(),
          kept.at("length").get<double>()};
}

/// The smallest first: features that move the margin, at or after the site that decides, then the
/// push towards the end.
std::vector<QuietEdit> edits_behind(const Setting& setting, size_t deciding,
                                    std::span<const Attribution> attributions,
                                    const EndDirection& end) {
  const std::vector<SiteSae>& saes = setting.saes;
  const std::vector<model::Site> order = model::all_sites(setting.in.model.dims());
  const auto place = [&](const model::Site& site) {
    return std::find(order.begin(), order.end(), site) - order.begin();
  };
  std::vector<QuietEdit> edits;
  for (size_t s = 0; s < saes.size(); ++s) {
    if (place(saes[s].site) < place(saes[deciding].site)) continue;
    for (const int k : {1, 4})
      for (const double gain : {1.0, 2.0}) {
        const AlwaysOn edit = moving(attributions[s], s, static_cast<size_t>(k), gain);
        edits.push_back({edit.name(saes), saes[s].site, edit.operators(), saes[s].sae});
      }
  }
  for (const double strength : {.5, 1.0, 2.0}) edits.push_back(push(end, strength));
  return edits;
}

}  // namespace

Condition Behind::condition(std::span<const SiteSae> saes) const {
  Condition condition;
  condition.site = saes[deciding.sae].site;
  condition.pool = deciding.pool;
  condition.features = deciding.detector.features;
  for (const double w : deciding.detector.model.weights)
    condition.weights.push_back(static_cast<float>(w));
  condition.bias = deciding.detector.model.bias - gate.threshold;
  return condition;
}

Behind choose_behind(const Setting& setting, const Gathered& gathered,
                     const std::vector<FoundDetector>& detectors,
                     std::span<const Attribution> attributions, std::vector<SoundWindow> speech) {
  const SuppressInputs& in = setting.in;
  const SuppressOptions& options = setting.options;
  Behind behind;
  behind.deciding = choose_condition(detectors, gathered);
  behind.gate = feature_silencer(behind.deciding, "recipe: condition and edit");
  set_threshold(behind.gate, gathered);
  const std::vector<SoundWindow> held = held_by(behind.gate, gathered);
  if (speech.size() > kSuppressBatch) speech.resize(kSuppressBatch);
  std::vector<SoundWindow> sounds = held;
  if (sounds.size() > kSuppressBatch) sounds.resize(kSuppressBatch);
  const EndDirection end = ending(setting, sounds, speech);

  std::vector<QuietEdit> edits = edits_behind(setting, behind.deciding.sae, attributions, end);
  std::string what = setting.identity() + std::to_string(options.seed) + " " +
                     std::to_string(options.controls) + identity_of(held) + identity_of(speech);
  for (const QuietEdit& edit : edits) what += "\n" + edit.name;
  const io::Json kept = remembered(setting.cache(), "behind", what, [&] {
    const TriedEdits tried =
        choose_edit(in.model, in.tokenizer, held, edits, setting.hear, setting.progress);
    const auto random =
        random_edits(in.model, in.tokenizer, held, tried.edits[tried.chosen], options.controls,
                     options.seed, setting.hear, setting.progress);
    return io::Json{
        {"wrote", tried.wrote}, {"dose", tried.dose}, {"chosen", tried.chosen}, {"random", random}};
  });
  behind.tried = {std::move(edits), kept.at("wrote").get<std::vector<int64_t>>(),
                  kept.at("dose").get<std::vector<double>>(), static_cast<int64_t>(held.size()),
                  kept.at("chosen").get<size_t>()};
  behind.random = kept.at("random").get<std::vector<int64_t>>();
  return behind;
}

void add_json(const Behind& behind, std::span<const SiteSae> saes, io::OrderedJson& json) {
  const FeatureDetector& detector = behind.deciding.detector;
  const TriedEdits& tried = behind.tried;
  json["condition"] = {{"site", model::site_name(saes[behind.deciding.sae].site)},
                       {"pool", pool_name(behind.deciding.pool)},
                       {"features", detector.features},
                       {"weights", detector.model.weights},
                       {"threshold", behind.gate.threshold}};
  json["behind_condition"] = io::OrderedJson::array();
  for (size_t i = 0; i < tried.edits.size(); ++i)
    json["behind_condition"].push_back({{"name", tried.edits[i].name},
                                        {"site", model::site_name(tried.edits[i].site)},
                                        {"dose", tried.dose[i]},
                                        {"windows", tried.windows},
                                        {"with_text", tried.wrote[i]},
                                        {"chosen", i == tried.chosen}});
  json["random_behind_condition"] = {{"windows", tried.windows}, {"with_text", behind.random}};
}

}  // namespace otoscope::steer
