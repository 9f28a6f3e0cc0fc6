/// The recipe against a voice-activity detector in front of the model.
#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "steer/suppress/table.h"

namespace otoscope::steer {

using io::OrderedJson;

OrderedJson beyond_json(const Setting& setting, const Gathered& gathered, const TestPlaces& test,
                        const QuietHeard& quiet) {
  constexpr size_t kListed = 40, kLetters = 80;
  if (!setting.in.vad)
    return {{"measured", false}, {"why", "no findings of a detector in front (--vad)"}};
  const auto vad = vad_silencer(*setting.in.vad).silent(gathered.windows, gathered.all);
  OrderedJson json{{"measured", true}, {"detector", setting.in.vad->detector}};
  const auto add = [&](const char* name, const std::vector<int64_t>& places,
                       const std::vector<Heard>& after, bool vad_silent) {
    OrderedJson list = OrderedJson::array();
    int64_t n = 0;
    for (size_t i = 0; i < places.size(); ++i) {
      const auto at = static_cast<size_t>(places[i]);
      const bool wrote = gathered.all.heard[at].wrote();
      if (!wrote || (vad[at] != 0) != vad_silent || after[i].wrote() != vad_silent) continue;
      ++n;
      if (list.size() < kListed)
        list.push_back({{"id", gathered.windows[at].clip.id},
                        {"kind", gathered.windows[at].clip.kind},
                        {"text", gathered.all.heard[at].text.substr(0, kLetters)}});
    }
    json[name] = {{"n", n}, {"windows", std::move(list)}};
  };
  add("sounds_silenced_by_recipe_alone", test.sounds, quiet.sounds, false);
  add("sounds_silenced_by_detector_alone", test.sounds, quiet.sounds, true);
  add("speech_lost_by_recipe_alone", test.speech, quiet.speech, false);
  add("speech_lost_by_detector_alone", test.speech, quiet.speech, true);
  return json;
}

}  // namespace otoscope::steer
