#include "otoscope/audit/case.h"

#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"

namespace otoscope::audit {

Case case_of(const steer::SoundWindow& window, const steer::Heard& heard,
             const steer::Loudness& loudness) {
  const store::Clip& clip = window.clip;
  Case one;
  one.id = clip.id;
  one.cluster = window.cluster;
  one.speech = window.speech;
  one.part = window.part;
  one.seconds = loudness.seconds;
  one.level_db = loudness.rms_db;
  one.language = clip.language;
  if (window.speech) one.reference = window.reference;
  one.words = window.words;
  const auto group = [&](const char* name, const std::string& value) {
    if (!value.empty()) one.groups[name] = value;
  };
  group("speaker", clip.speaker);
  group("language", clip.language);
  group("accent", clip.accent);
  group("gender", clip.gender);
  group("age", clip.age);
  group("noise", clip.noise_level);
  group("kind", clip.kind);
  one.heard = heard;
  return one;
}

io::OrderedJson to_json(const Case& one) {
  io::OrderedJson json{
      {"schema", "otoscope.case"}, {"version", 1},           {"id", one.id},
      {"speech", one.speech},      {"seconds", one.seconds}, {"language", one.language}};
  json["reference"] = one.reference ? io::OrderedJson(*one.reference) : io::OrderedJson();
  json["text"] = one.heard.text;
  json["normalised"] = one.heard.normalised;
  json["heard_language"] = one.heard.language;
  json["no_speech"] = one.heard.no_speech;
  json["avg_logprob"] = one.heard.avg_logprob;
  json["compression"] = one.heard.compression;
  json["filtered"] = one.heard.filtered();
  return json;
}

}  // namespace otoscope::audit
