#include "steer/suppress/table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/model/resume.h"
#include "otoscope/steer/hook.h"

namespace otoscope::steer {
namespace {

using io::OrderedJson;

OrderedJson row(const Setting& setting, const Gathered& gathered, const TestPlaces& test,
                const std::string& name, const std::string& kind,
                const std::vector<Heard>& on_sounds, const std::vector<Heard>& on_speech) {
  const SuppressOptions& options = setting.options;
  return row_json(name, kind, gathered.windows_at(test.sounds), on_sounds,
                  gathered.windows_at(test.speech), gathered.heard_at(test.speech), on_speech,
                  options.limit, options.seed, options.replicates);
}

OrderedJson row_of(const Setting& setting, const Gathered& gathered, const TestPlaces& test,
                   const Silencer& silencer) {
  const auto silent = silencer.silent(gathered.windows, gathered.all);
  OrderedJson json = row(setting, gathered, test, silencer.name, silencer.kind,
                         silenced(gathered.heard_at(test.sounds), flags_at(silent, test.sounds)),
                         silenced(gathered.heard_at(test.speech), flags_at(silent, test.speech)));
  json["threshold"] = silencer.threshold;
  return json;
}

/// What is heard with the edit depends on this beside the windows.
std::string always_identity(const Setting& setting, const AlwaysOn& edit) {
  std::string text = "always\n" + setting.identity() + "\n" + edit.name(setting.saes) +
                     fmt::format(" {:.17g}", edit.gain);
  for (const auto* list : {&edit.up, &edit.down})
    for (const int32_t j : *list) text += " " + std::to_string(j);
  return text;
}

/// The edit that is always on: on all test sounds, and on as much speech as asked for. Where none
/// passed on train and dev the one with the least text stands here, marked.
OrderedJson always_row(const Setting& setting, const Gathered& gathered, const TestPlaces& test,
                       const AlwaysSearch& always) {
  const SuppressInputs& in = setting.in;
  const SuppressOptions& options = setting.options;
  const AlwaysOn& edit = always.fine[always.best.value_or(always.strongest.value_or(0))].edit;
  const SiteSae& at = setting.saes[edit.sae];
  SteerHook hook(in.model.dims(), at.site, edit.operators(), at.sae);
  const Edited one{"", model::resume_before(at.site), {&hook}};
  const auto some = [&](std::vector<int64_t> places) {
    if (options.always > 0 && places.size() > static_cast<size_t>(options.always))
      places.resize(static_cast<size_t>(options.always));
    return places;
  };
  const auto sounds = some(test.sounds), speech = some(test.speech);
  const auto hear = [&](const std::vector<int64_t>& places, const char* task) {
    return hear_edit(in.model, in.tokenizer, gathered.windows_at(places), one,
                     always_identity(setting, edit), setting.hear, setting.cache(), task,
                     setting.progress);
  };
  const auto on_sounds = hear(sounds, "the always-on edit on test sounds");
  const auto on_speech = hear(speech, "the always-on edit on test speech");
  OrderedJson json =
      row_json("always on: " + edit.name(setting.saes), "recipe", gathered.windows_at(sounds),
               on_sounds, gathered.windows_at(speech), gathered.heard_at(speech), on_speech,
               options.limit, options.seed, options.replicates);
  json["passed_on_dev"] = always.best.has_value();
  return json;
}

}  // namespace

TestPlaces test_places(const Gathered& gathered) {
  TestPlaces test{gathered.places(false, {Part::test}), gathered.places(true, {Part::test})};
  if (test.sounds.empty() || test.speech.empty())
    throw UserError("suppress", "expected sounds and speech to report on, got none of one");
  return test;
}

QuietHeard hear_quiet_on_test(const Setting& setting, const Gathered& gathered,
                              const TestPlaces& test, const Behind& behind) {
  const SuppressInputs& in = setting.in;
  const std::vector<uint8_t> acts = behind.gate.silent(gathered.windows, gathered.all);
  const std::string identity =
      "quiet\n" + setting.identity() + "\n" + io::read_file(quiet_path(setting));
  const auto hear = [&](const std::vector<int64_t>& places, const char* task) {
    return hear_quiet(in.model, in.tokenizer, gathered.windows_at(places),
                      gathered.heard_at(places), flags_at(acts, places),
                      behind.condition(setting.saes), *setting.saes[behind.deciding.sae].sae,
                      behind.edit(), identity, setting.hear, setting.cache(), task,
                      setting.progress);
  };
  QuietHeard heard;
  heard.sounds = hear(test.sounds, "the recipe on test sounds");
  heard.speech = hear(test.speech, "the recipe on test speech");
  return heard;
}

std::vector<Silencer> baselines(const Setting& setting, const Gathered& gathered,
                                const std::vector<Logistic>& probes) {
  std::vector<Silencer> list{no_speech_token()};
  for (size_t s = 0; s < setting.saes.size(); ++s)
    list.push_back(
        probe_silencer(s, probes[s], "dense probe at " + model::site_name(setting.saes[s].site)));
  for (Silencer& silencer : list) set_threshold(silencer, gathered);
  return list;
}

OrderedJson table_json(const Setting& setting, const Gathered& gathered, const TestPlaces& test,
                       const Search& search, const QuietHeard& quiet,
                       const std::vector<Silencer>& baselines) {
  const Behind& behind = search.behind;
  OrderedJson rows = OrderedJson::array();
  rows.push_back(row(setting, gathered, test, "the model as it is", "model",
                     gathered.heard_at(test.sounds), gathered.heard_at(test.speech)));
  rows.push_back(row_of(setting, gathered, test, default_filter()));
  const size_t n = behind.deciding.detector.features.size();
  rows.push_back(row(setting, gathered, test,
                     fmt::format("recipe: {} feature{} decide{}, then {}", n, n == 1 ? "" : "s",
                                 n == 1 ? "s" : "", behind.edit().name),
                     "recipe", quiet.sounds, quiet.speech));
  rows.back()["threshold"] = behind.gate.threshold;
  rows.push_back(always_row(setting, gathered, test, search.always));
  for (const Silencer& silencer : baselines)
    rows.push_back(row_of(setting, gathered, test, silencer));
  if (setting.in.vad)
    rows.push_back(row_of(setting, gathered, test, vad_silencer(*setting.in.vad)));
  return rows;
}

}  // namespace otoscope::steer
