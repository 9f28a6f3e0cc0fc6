#include "serve/facts.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::serve {
namespace {

io::Json interval(double value, double low, double high) {
  return {{"value", value}, {"low", low}, {"high", high}};
}

io::Json example_facts(const Example& example) {
  const double peak_s = audio::seconds_of({example.frame});
  return {{"kind", example.kind},         {"clip", example.name},
          {"language", example.language}, {"split", example.split},
          {"text", example.text},         {"peak_s", peak_s},
          {"value", example.value},       {"duration_s", example.duration_s}};
}

io::Json feature_facts(const ChosenFeature& f) {
  io::Json facts = {{"id", f.id},
                    {"why", f.why},
                    {"group", f.group},
                    {"state", f.state},
                    {"association", f.association},
                    {"fired", f.fired},
                    {"clips", f.items},
                    {"clusters", f.clusters},
                    {"rate", interval(f.rate, f.rate_low, f.rate_high)},
                    {"max_value", f.max_value},
                    {"largest_clip_share", f.largest_item_share},
                    {"silent_share", f.silent_share},
                    {"loudness_z", f.loudness_z},
                    {"position_eta", f.position_eta}};
  facts["shift_share"] =
      f.shift_share ? interval(*f.shift_share, *f.shift_low, *f.shift_high) : io::Json();
  facts["shift_n"] = f.shift_n;
  facts["languages"] = io::Json::array();
  for (const LanguageShare& l : f.languages)
    facts["languages"].push_back({{"language", l.language},
                                  {"share", interval(l.share, l.low, l.high)},
                                  {"lift", l.lift},
                                  {"fired", l.fired}});
  if (f.shared_of > 0) facts["shared"] = {{"examples", f.shared_examples}, {"of", f.shared_of}};
  if (f.meaning) facts["meaning"] = to_json(*f.meaning);
  if (f.models_name) facts["models_name"] = to_json(*f.models_name);
  facts["examples"] = io::Json::array();
  for (const Example& example : f.examples) facts["examples"].push_back(example_facts(example));
  return facts;
}

/// A database may be of other people.
int64_t meta_count(const DescribedSae& sae, const char* key) {
  const std::string& text = sae.meta.at(key);
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 0)
    throw UserError(
        (sae.files->folder / "features.sqlite").string(),
        "expected a count at " + std::string(key) + " of meta, got " + text.substr(0, 80),
        "describe the SAE again");
  return count;
}

io::Json counts_facts(const DescribedSae& sae) {
  const auto dead = sae.counts.states.find("dead");
  const int64_t firing = sae.counts.features - (dead == sae.counts.states.end() ? 0 : dead->second);
  io::Json facts = {
      {"name", sae.files->name},
      {"site", sae.files->site},
      {"count", sae.counts.features},
      {"firing", firing},
      {"unnamed", sae.counts.unnamed},
      {"unnamed_share",
       firing > 0 ? static_cast<double>(sae.counts.unnamed) / static_cast<double>(firing) : 0.0},
      {"states", sae.counts.states},
      {"associations", sae.counts.associations}};
  for (const char* state : {"alive", "dead", "dense", "position-bound", "unmeasured"})
    if (!facts["states"].contains(state)) facts["states"][state] = 0;
  for (const char* key : {"rows", "items", "clusters"})
    if (sae.meta.contains(key)) facts[key] = meta_count(sae, key);
  return facts;
}

}  // namespace

DescribedSae describe_for_report(const SaeFiles& files, const ChoiceOptions& options) {
  const std::filesystem::path database = files.folder / "features.sqlite";
  DescribedSae sae;
  sae.files = &files;
  sae.counts = count_features(database);
  const io::Database db(database);
  io::Statement rows = db.prepare("SELECT key, value FROM meta");
  while (rows.step()) sae.meta[rows.text(0)] = rows.text(1);
  sae.chosen = choose_features(database, options);
  if (files.categories)
    for (const io::Json& one : files.categories->json->at("categories")) {
      if (!one.contains("standing")) continue;  // position-bound, unnamed: nothing is claimed
      const auto category = one.at("category").get<std::string>();
      auto features = choose_of_category(database, category, options);
      if (!features.empty()) sae.categories.push_back({category, std::move(features)});
    }
  return sae;
}

std::vector<const ChosenFeature*> all_features(const DescribedSae& sae) {
  std::vector<const ChosenFeature*> all;
  for (const CategoryCards& cards : sae.categories)
    for (const ChosenFeature& feature : cards.features) all.push_back(&feature);
  for (const ChosenFeature& feature : sae.chosen) all.push_back(&feature);
  return all;
}

std::vector<DescribedSae> controls_for_report(const RunFiles& run) {
  std::vector<DescribedSae> controls;
  for (const SaeFiles& sae : run.saes) {
    if (!sae.control() || !sae.described) continue;
    controls.emplace_back();
    controls.back().files = &sae;
    controls.back().counts = count_features(sae.folder / "features.sqlite");
  }
  return controls;
}

io::Json report_facts(const std::vector<DescribedSae>& saes,
                      const std::vector<DescribedSae>& controls) {
  io::Json facts = {{"schema", "otoscope.report"},
                    {"version", 2},
                    {"saes", io::Json::array()},
                    {"controls", io::Json::array()}};
  for (const DescribedSae& sae : saes) {
    io::Json one = counts_facts(sae);
    one["features"] = io::Json::array();
    for (const ChosenFeature& feature : sae.chosen)
      one["features"].push_back(feature_facts(feature));
    one["categories"] = io::Json::array();
    for (const CategoryCards& cards : sae.categories) {
      one["categories"].push_back({{"category", cards.category}, {"features", io::Json::array()}});
      for (const ChosenFeature& feature : cards.features)
        one["categories"].back()["features"].push_back(feature_facts(feature));
    }
    facts["saes"].push_back(std::move(one));
  }
  for (const DescribedSae& control : controls) facts["controls"].push_back(counts_facts(control));
  return facts;
}

}  // namespace otoscope::serve
