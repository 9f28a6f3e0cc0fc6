#include "otoscope/steer/suppress.h"

#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "steer/suppress/heard_json.h"
#include "steer/suppress/measure.h"
#include "steer/suppress/questions.h"
#include "steer/suppress/search.h"
#include "steer/suppress/table.h"

namespace otoscope::steer {
namespace {

namespace fs = std::filesystem;
using io::OrderedJson;

Gathered gather_all(const Setting& setting) {
  const SuppressInputs& in = setting.in;
  const SuppressOptions& options = setting.options;
  return gather(
      in.model, in.tokenizer,
      choose_sounds(in.sounds, options.per_source, options.sounds_choosing, options.sounds_test),
      choose_speech(in.speech, in.tokenizer, in.model.dims(), options.choosing,
                    options.speech_choosing, options.speech_test),
      setting.saes, setting.hear, setting.cache(), setting.progress);
}

OrderedJson head(const Setting& setting, const Gathered& gathered, bool quick) {
  const SuppressInputs& in = setting.in;
  OrderedJson json{{"schema", "otoscope.suppress"}, {"version", 1}, {"quick", quick}};
  if (quick)
    json["left_out"] =
        "fewer windows and clips, so wide intervals and too few words for the guard; fewer "
        "strengths and controls; no mixtures";
  json["model"] = {{"name", in.model_name},
                   {"hash", in.model.hash()},
                   {"precision", in.model.precision() == Precision::bf16 ? "bf16" : "f32"}};
  json["saes"] = OrderedJson::array();
  for (const SiteSae& one : setting.saes)
    json["saes"].push_back({{"site", model::site_name(one.site)}, {"hash", one.sae->hash}});
  json["data"] = {{"sounds", in.sounds.sha256}, {"speech", in.speech.sha256}};
  json["decoding"] = "greedy, temperature 0, timestamps, no fallback, no previous text";
  for (const bool speech : {false, true})
    for (const Part part : {Part::train, Part::dev, Part::test}) {
      const auto places = gathered.places(speech, {part});
      int64_t words = 0;
      for (const int64_t i : places) words += gathered.windows[static_cast<size_t>(i)].words;
      json[speech ? "speech" : "sounds"][std::string(part_name(part))] = {
          {"windows", places.size()}, {"words", words}};
    }
  json["seed"] = setting.options.seed;
  return json;
}

/// What the model writes on sounds: all parts together, nothing is chosen here.
OrderedJson measurement(const SuppressOptions& options, const Gathered& gathered) {
  std::vector<SoundWindow> sounds, detected;
  std::vector<Heard> heard;
  for (size_t i = 0; i < gathered.windows.size(); ++i)
    if (!gathered.windows[i].speech) {
      sounds.push_back(gathered.windows[i]);
      heard.push_back(gathered.all.heard[i]);
    }
  for (const size_t i : gathered.detected) detected.push_back(gathered.windows[i]);
  OrderedJson json;
  json["forced"] = {{"language", options.language}};
  json["forced"].update(measurement_json(sounds, heard, options.seed, options.replicates));
  if (!detected.empty())
    json["detected"] =
        measurement_json(detected, gathered.all.detected, options.seed, options.replicates);
  return json;
}

}  // namespace

void SuppressOptions::make_quick() {
  per_source = 1;
  sounds_choosing = 40;
  sounds_test = 48;
  speech_choosing = 40;
  speech_test = 64;
  search = 8;
  fine = 16;
  controls = 4;
  always = 32;
  mixed = 0;
}

OrderedJson suppress(const SuppressInputs& inputs, const SuppressOptions& options, bool quick,
                     const fs::path& out, Progress& progress) {
  if (inputs.saes.empty()) throw UserError("--sae", "expected the folder of an SAE, got none");
  const Setting setting = setting_of(inputs, options, out, progress);
  io::make_folder(out);
  const Gathered gathered = gather_all(setting);
  const TestPlaces test = test_places(gathered);
  OrderedJson json = head(setting, gathered, quick);
  json["measurement"] = measurement(options, gathered);
  const std::vector<Detected> questions = ask_questions(setting, gathered);
  json["questions"] = OrderedJson::array();
  for (const Detected& found : questions) json["questions"].push_back(found.json(setting.saes));

  const Search found = search(setting, gathered, questions[0], quick);
  write_quiet(setting, found.behind);
  json["search"] = to_json(found, setting.saes);

  const QuietHeard quiet = hear_quiet_on_test(setting, gathered, test, found.behind);
  const std::vector<Silencer> others = baselines(setting, gathered, questions[0].probes);
  json["table"] = table_json(setting, gathered, test, found, quiet, others);
  json["heard"] =
      heard_json(gathered.windows_at(test.sounds), gathered.heard_at(test.sounds), quiet.sounds,
                 gathered.windows_at(test.speech), gathered.heard_at(test.speech), quiet.speech);
  json["beyond"] = beyond_json(setting, gathered, test, quiet);
  json["mixed"] = mixed_json(setting, gathered, test, found.behind.gate, others);
  io::write_json(out / "suppress.json", json);
  return json;
}

}  // namespace otoscope::steer
