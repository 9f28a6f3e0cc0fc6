/// What each system loses of speech that has a sound under it.
#include <nlohmann/json.hpp>

#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"
#include "steer/suppress/measure.h"
#include "steer/suppress/mixed.h"
#include "steer/suppress/table.h"

namespace otoscope::steer {
namespace {

using io::OrderedJson;

OrderedJson mixed_row(const Silencer& system, const std::vector<SoundWindow>& windows,
                      const Listened& heard, const SuppressOptions& options) {
  const auto silent = system.silent(windows, heard);
  OrderedJson row{{"name", system.name}, {"kind", system.kind}};
  row["by_ratio"] = OrderedJson::array();
  for (const char* ratio : {"10 dB", "0 dB", "-10 dB"}) {
    int64_t lost = 0, n = 0;
    for (size_t i = 0; i < windows.size(); ++i)
      if (windows[i].clip.kind == ratio) ++n, lost += silent[i] != 0 ? 1 : 0;
    row["by_ratio"].push_back({{"ratio", ratio}, {"lost", io::to_json(wilson(lost, n))}});
  }
  row["speech"] = guard_json(guard_of(windows, heard.heard, silenced(heard.heard, silent),
                                      options.seed, options.replicates),
                             options.limit);
  return row;
}

}  // namespace

OrderedJson mixed_json(const Setting& setting, const Gathered& gathered, const TestPlaces& test,
                       const Silencer& gate, const std::vector<Silencer>& baselines) {
  const SuppressInputs& in = setting.in;
  const auto windows = mix(gathered.windows_at(test.speech), gathered.windows_at(test.sounds),
                           setting.options.mixed, setting.out / "mixed");
  if (windows.empty()) return {{"measured", false}, {"why", "not asked for (--mixed)"}};
  const Listened heard = listen(in.model, in.tokenizer, windows, setting.saes, {setting.hear},
                                setting.cache(), "speech with sounds under it", setting.progress);
  std::vector<Silencer> systems{default_filter(), gate};
  systems.insert(systems.end(), baselines.begin(), baselines.end());
  bool vad = in.vad.has_value();
  for (const SoundWindow& window : windows) vad = vad && in.vad->speech.contains(window.clip.id);
  if (vad) systems.push_back(vad_silencer(*in.vad));
  OrderedJson json{{"measured", true}, {"clips", windows.size()}, {"detector", vad}};
  json["systems"] = OrderedJson::array();
  for (const Silencer& system : systems)
    json["systems"].push_back(mixed_row(system, windows, heard, setting.options));
  return json;
}

}  // namespace otoscope::steer
