#include "steer/suppress/search.h"

#include <nlohmann/json.hpp>

#include "otoscope/core/statistics.h"
#include "otoscope/io/json.h"

namespace otoscope::steer {
namespace {

SearchWindows search_windows(const SuppressOptions& options, const Gathered& gathered) {
  const auto few = [&](bool speech, std::initializer_list<Part> parts, int n) {
    auto places = gathered.places(speech, parts);
    if (places.size() > static_cast<size_t>(n)) places.resize(static_cast<size_t>(n));
    return gathered.windows_at(places);
  };
  return {few(false, {Part::train}, options.search), few(true, {Part::train}, options.search),
          few(false, {Part::train, Part::dev}, options.fine),
          few(true, {Part::train, Part::dev}, options.fine)};
}

std::vector<Attribution> attributed(const Setting& setting, const std::vector<SoundWindow>& windows,
                                    Margins& margins) {
  const SuppressInputs& in = setting.in;
  const std::string& language = setting.options.language;
  const io::Json kept = remembered(
      setting.cache(), "attribution", setting.identity() + language + identity_of(windows), [&] {
        Margins found;
        io::Json made{{"sites", io::Json::array()}};
        for (const Attribution& one : attribute(in.model, in.tokenizer, windows, setting.saes,
                                                language, found, setting.progress))
          made["sites"].push_back({one.of_sounds, one.of_speech, one.direction});
        made["margins"] = {found.sounds, found.speech};
        return made;
      });
  std::vector<Attribution> list;
  for (const io::Json& one : kept.at("sites"))
    list.push_back({one.at(0).get<std::vector<double>>(), one.at(1).get<std::vector<double>>(),
                    one.at(2).get<std::vector<float>>()});
  margins.sounds = kept.at("margins").at(0).get<std::vector<double>>();
  margins.speech = kept.at("margins").at(1).get<std::vector<double>>();
  return list;
}

io::OrderedJson spread(const std::vector<double>& values) {
  io::OrderedJson quantiles = io::OrderedJson::array();
  for (const double q : {.05, .25, .5, .75, .95}) quantiles.push_back(quantile(values, q));
  return quantiles;
}

}  // namespace

Search search(const Setting& setting, const Gathered& gathered, const Detected& speech,
              bool quick) {
  const SuppressOptions& options = setting.options;
  const SearchWindows windows = search_windows(options, gathered);
  std::vector<SoundWindow> both = windows.sounds;
  both.insert(both.end(), windows.speech.begin(), windows.speech.end());
  Search search;
  const auto attributions = attributed(setting, both, search.margins);
  AlwaysOptions always;
  always.hear = setting.hear;
  always.seed = options.seed;
  always.cache = setting.cache();
  always.identity = setting.identity() + identity_of(both);
  always.controls = options.controls;
  if (quick) always.sizes = {1}, always.gains = {1, 4}, always.around = {.8, 1};
  search.always = search_always(setting.in.model, setting.in.tokenizer, windows, setting.saes,
                                attributions, gathered.all, always, setting.progress);
  search.behind = choose_behind(setting, gathered, speech.sizes, attributions, windows.fine_speech);
  return search;
}

io::OrderedJson to_json(const Search& search, std::span<const SiteSae> saes) {
  io::OrderedJson json;
  json["margin"] = {{"what",
                     "logit of the end less log-sum-exp of text, after <|0.00|>; 5, 25, "
                     "50, 75, 95 %"},
                    {"sounds", spread(search.margins.sounds)},
                    {"speech", spread(search.margins.speech)}};
  json["always_on"] = to_json(search.always, saes);
  add_json(search.behind, saes, json);
  return json;
}

}  // namespace otoscope::steer
