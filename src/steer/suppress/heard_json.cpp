#include "steer/suppress/heard_json.h"

#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "steer/suppress/shortened.h"

namespace otoscope::steer {
namespace {

constexpr size_t kLongestText = 240;  // bytes: a loop says no more after that

io::OrderedJson window_json(const SoundWindow& window, const Heard& before, const Heard& after) {
  return {{"id", window.clip.id},
          {"kind", window.clip.kind},
          {"source", window.cluster},
          {"language", window.clip.language},
          {"path", window.clip.path.string()},
          {"offset_s", window.clip.offset_s},
          {"duration_s", window.clip.duration_s},
          {"licence", window.clip.licence},
          {"no_speech", before.no_speech},
          {"wrote", before.wrote()},
          {"kept_by_filter", before.kept()},
          {"writes", after.wrote()},
          {"before", shortened(before.text, kLongestText)},
          {"after", shortened(after.text, kLongestText)}};
}

}  // namespace

io::OrderedJson heard_json(std::span<const SoundWindow> sounds,
                           std::span<const Heard> sounds_before,
                           std::span<const Heard> sounds_after, std::span<const SoundWindow> speech,
                           std::span<const Heard> speech_before,
                           std::span<const Heard> speech_after) {
  io::OrderedJson json{{"sounds", io::OrderedJson::array()},
                       {"speech_changed", io::OrderedJson::array()}};
  for (size_t i = 0; i < sounds.size(); ++i)
    json["sounds"].push_back(window_json(sounds[i], sounds_before[i], sounds_after[i]));
  for (size_t i = 0; i < speech.size(); ++i)
    if (speech_before[i].normalised != speech_after[i].normalised) {
      json["speech_changed"].push_back(window_json(speech[i], speech_before[i], speech_after[i]));
      json["speech_changed"].back()["reference"] = shortened(speech[i].reference, kLongestText);
    }
  return json;
}

}  // namespace otoscope::steer
