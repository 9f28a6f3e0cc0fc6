#include "otoscope/steer/suppress.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/model/resume.h"
#include "otoscope/steer/detect.h"
#include "otoscope/steer/recipe.h"
#include "steer/suppress/always.h"
#include "steer/suppress/gather.h"
#include "steer/suppress/heard_json.h"
#include "steer/suppress/measure.h"
#include "steer/suppress/mixed.h"
#include "steer/suppress/quiet.h"
#include "steer/suppress/silence.h"

namespace otoscope::steer {
namespace {

namespace fs = std::filesystem;
using io::OrderedJson;

constexpr size_t kBehindOn = 16;  // windows that edits behind the condition are tried on
constexpr int kBatch = 16;

class Suppressing {
 public:
  Suppressing(const SuppressInputs& inputs, const SuppressOptions& options, bool quick,
              fs::path out, Progress& progress)
      : in_(inputs), options_(options), quick_(quick), out_(std::move(out)), progress_(progress) {
    hear_.language = options.language;
    hear_.batch = kBatch;
    for (const sae::Sae* sae : in_.saes) saes_.push_back({site_of(*sae), sae});
  }

  OrderedJson run() {
    io::make_folder(out_);
    gather_all();
    OrderedJson json = head();
    json["measurement"] = measurement();
    json["questions"] = detectors();
    json["search"] = search();
    json["table"] = table();
    json["heard"] =
        heard_json(all_.windows_at(test_sounds_), all_.heard_at(test_sounds_), quiet_sounds_,
                   all_.windows_at(test_speech_), all_.heard_at(test_speech_), quiet_speech_);
    json["beyond"] = beyond();
    json["mixed"] = mixed();
    io::write_json(out_ / "suppress.json", json);
    return json;
  }

 private:
  model::Site site_of(const sae::Sae& sae) const {
    if (!sae.model_hash.empty() && sae.model_hash != in_.model.hash())
      throw UserError(sae.folder.string(), "was trained on activations of another model",
                      "features of another model are other features");
    const model::Site site = model::find_site(in_.model.dims(), sae.site);
    if (site.stack != model::Stack::encoder || !model::is_row_site(site))
      throw UserError(sae.folder.string(),
                      "expected an SAE of a site of the encoder, got " + sae.site);
    return site;
  }

  void gather_all() {
    all_ = gather(in_.model, in_.tokenizer,
                  choose_sounds(in_.sounds, options_.per_source, options_.sounds_choosing,
                                options_.sounds_test),
                  choose_speech(in_.speech, in_.tokenizer, in_.model.dims(), options_.choosing,
                                options_.speech_choosing, options_.speech_test),
                  saes_, hear_, out_ / "cache", progress_);
    test_sounds_ = all_.places(false, {Part::test});
    test_speech_ = all_.places(true, {Part::test});
    if (test_sounds_.empty() || test_speech_.empty())
      throw UserError("suppress", "expected sounds and speech to report on, got none of one");
  }

  OrderedJson head() const {
    OrderedJson json{{"schema", "otoscope.suppress"}, {"version", 1}, {"quick", quick_}};
    if (quick_)
      json["left_out"] =
          "fewer windows and clips, so wide intervals and too few words for the guard; fewer "
          "strengths and controls; no mixtures";
    json["model"] = {{"name", in_.model_name},
                     {"hash", in_.model.hash()},
                     {"precision", in_.model.precision() == Precision::bf16 ? "bf16" : "f32"}};
    json["saes"] = OrderedJson::array();
    for (const SiteSae& one : saes_)
      json["saes"].push_back({{"site", model::site_name(one.site)}, {"hash", one.sae->hash}});
    json["data"] = {{"sounds", in_.sounds.sha256}, {"speech", in_.speech.sha256}};
    json["decoding"] = "greedy, temperature 0, timestamps, no fallback, no previous text";
    for (const bool speech : {false, true})
      for (const Part part : {Part::train, Part::dev, Part::test}) {
        const auto places = all_.places(speech, {part});
        int64_t words = 0;
        for (const int64_t i : places) words += all_.windows[static_cast<size_t>(i)].words;
        json[speech ? "speech" : "sounds"][std::string(part_name(part))] = {
            {"windows", places.size()}, {"words", words}};
      }
    json["seed"] = options_.seed;
    return json;
  }

  OrderedJson measurement() const {
    std::vector<SoundWindow> sounds, detected;
    std::vector<Heard> heard;
    for (size_t i = 0; i < all_.windows.size(); ++i)
      if (!all_.windows[i].speech) {
        sounds.push_back(all_.windows[i]);
        heard.push_back(all_.all.heard[i]);
      }
    for (const size_t i : all_.detected) detected.push_back(all_.windows[i]);
    OrderedJson json;
    json["forced"] = {{"language", options_.language}};
    json["forced"].update(measurement_json(sounds, heard, options_.seed, options_.replicates));
    if (!detected.empty())
      json["detected"] =
          measurement_json(detected, all_.all.detected, options_.seed, options_.replicates);
    return json;
  }

  OrderedJson detectors() {
    Question speech{"nobody speaks (sounds against speech)", {}, {}};
    Question text{"text is left after Whisper's own filter (among sounds)", {}, {}};
    for (size_t i = 0; i < all_.windows.size(); ++i) {
      const bool sound = !all_.windows[i].speech;
      speech.rows.push_back(static_cast<int64_t>(i));
      speech.positive.push_back(sound ? 1 : 0);
      if (!sound) continue;
      text.rows.push_back(static_cast<int64_t>(i));
      text.positive.push_back(all_.all.heard[i].kept() ? 1 : 0);
    }
    DetectOptions options;
    options.seed = options_.seed;
    OrderedJson json = OrderedJson::array();
    for (const Question* question : {&speech, &text}) {
      Detected found = detect(*question, all_.windows, all_.all, saes_, options, progress_);
      json.push_back(found.json(saes_));
      if (question == &speech) found_ = std::move(found);
    }
    if (!found_.answered())
      throw UserError("suppress",
                      "expected sounds and speech in train, dev and test: " + found_.why_not,
                      "give more windows");
    return json;
  }

  OrderedJson search() {
    const auto few = [&](bool speech, std::initializer_list<Part> parts, int n) {
      auto places = all_.places(speech, parts);
      if (places.size() > static_cast<size_t>(n)) places.resize(static_cast<size_t>(n));
      return all_.windows_at(places);
    };
    const SearchWindows windows{few(false, {Part::train}, options_.search),
                                few(true, {Part::train}, options_.search),
                                few(false, {Part::train, Part::dev}, options_.fine),
                                few(true, {Part::train, Part::dev}, options_.fine)};
    std::vector<SoundWindow> both = windows.sounds;
    both.insert(both.end(), windows.speech.begin(), windows.speech.end());
    Margins margins;
    const auto attributions = attributed(both, margins);
    AlwaysOptions always;
    always.hear = hear_;
    always.seed = options_.seed;
    always.cache = out_ / "cache";
    always.identity = base_identity() + identity_of(both);
    always.controls = options_.controls;
    if (quick_) always.sizes = {1}, always.gains = {1, 4}, always.around = {.8, 1};
    always_ = search_always(in_.model, in_.tokenizer, windows, saes_, attributions, all_.all,
                            always, progress_);
    choose_behind(attributions, windows.fine_speech);
    OrderedJson json;
    const auto spread = [](std::vector<double> values) {
      OrderedJson quantiles = OrderedJson::array();
      for (const double q : {.05, .25, .5, .75, .95}) quantiles.push_back(quantile(values, q));
      return quantiles;
    };
    json["margin"] = {{"what",
                       "logit of the end less log-sum-exp of text, after <|0.00|>; 5, 25, "
                       "50, 75, 95 %"},
                      {"sounds", spread(margins.sounds)},
                      {"speech", spread(margins.speech)}};
    json["always_on"] = to_json(always_, saes_);
    json["condition"] = {{"site", model::site_name(saes_[deciding_.sae].site)},
                         {"pool", pool_name(deciding_.pool)},
                         {"features", deciding_.detector.features},
                         {"weights", deciding_.detector.model.weights},
                         {"threshold", gate_.threshold}};
    json["behind_condition"] = OrderedJson::array();
    for (size_t i = 0; i < behind_.edits.size(); ++i)
      json["behind_condition"].push_back({{"name", behind_.edits[i].name},
                                          {"site", model::site_name(behind_.edits[i].site)},
                                          {"dose", behind_.dose[i]},
                                          {"windows", behind_.windows},
                                          {"with_text", behind_.wrote[i]},
                                          {"chosen", i == behind_.chosen}});
    json["random_behind_condition"] = {{"windows", behind_.windows}, {"with_text", random_}};
    return json;
  }

  std::vector<Attribution> attributed(const std::vector<SoundWindow>& windows, Margins& margins) {
    const io::Json kept = remembered(
        out_ / "cache", "attribution", base_identity() + options_.language + identity_of(windows),
        [&] {
          Margins found;
          io::Json made{{"sites", io::Json::array()}};
          for (const Attribution& one : attribute(in_.model, in_.tokenizer, windows, saes_,
                                                  options_.language, found, progress_))
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

  /// Condition from the features that dev prefers, then the smallest edit that silences.
  void choose_behind(const std::vector<Attribution>& attributions,
                     const std::vector<SoundWindow>& speech) {
    deciding_ = choose_condition(found_.sizes, all_);
    gate_ = feature_silencer(deciding_, "recipe: condition and edit");
    set_threshold(gate_, all_);
    const std::vector<uint8_t> silent = gate_.silent(all_.windows, all_.all);
    std::vector<SoundWindow> held;
    for (const int64_t i : all_.places(false, {Part::train, Part::dev}))
      if (silent[static_cast<size_t>(i)] != 0 && held.size() < kBehindOn)
        held.push_back(all_.windows[static_cast<size_t>(i)]);
    std::vector<SoundWindow> some_speech = speech;
    if (some_speech.size() > kBatch) some_speech.resize(kBatch);
    std::vector<SoundWindow> some_sounds = held;
    if (some_sounds.size() > kBatch) some_sounds.resize(kBatch);
    const EndDirection end = ending(some_sounds, some_speech);

    std::vector<QuietEdit> edits;
    const std::vector<model::Site> order = model::all_sites(in_.model.dims());
    const auto place = [&](const model::Site& site) {
      return std::find(order.begin(), order.end(), site) - order.begin();
    };
    for (size_t s = 0; s < saes_.size(); ++s) {
      if (place(saes_[s].site) < place(saes_[deciding_.sae].site)) continue;
      for (const int k : {1, 4})
        for (const double gain : {1.0, 2.0}) {
          AlwaysOn edit{s, {}, {}, gain};
          for (const int32_t j : movers(attributions[s], static_cast<size_t>(k)))
            (attributions[s].of_sounds[static_cast<size_t>(j)] > 0 ? edit.up : edit.down)
                .push_back(j);
          std::sort(edit.up.begin(), edit.up.end());
          std::sort(edit.down.begin(), edit.down.end());
          edits.push_back({edit.name(saes_), saes_[s].site, edit.operators(), saes_[s].sae});
        }
    }
    for (const double strength : {.5, 1.0, 2.0}) edits.push_back(push(end, strength));
    std::string what = base_identity() + std::to_string(options_.seed) + " " +
                       std::to_string(options_.controls) + identity_of(held) +
                       identity_of(some_speech);
    for (const QuietEdit& edit : edits) what += "\n" + edit.name;
    const io::Json kept = remembered(out_ / "cache", "behind", what, [&] {
      const TriedEdits tried = choose_edit(in_.model, in_.tokenizer, held, edits, hear_, progress_);
      const auto random = random_edits(in_.model, in_.tokenizer, held, tried.edits[tried.chosen],
                                       options_.controls, options_.seed, hear_, progress_);
      return io::Json{{"wrote", tried.wrote},
                      {"dose", tried.dose},
                      {"chosen", tried.chosen},
                      {"random", random}};
    });
    behind_ = {std::move(edits), kept.at("wrote").get<std::vector<int64_t>>(),
               kept.at("dose").get<std::vector<double>>(), static_cast<int64_t>(held.size()),
               kept.at("chosen").get<size_t>()};
    random_ = kept.at("random").get<std::vector<int64_t>>();
    write_quiet();
  }

  EndDirection ending(const std::vector<SoundWindow>& sounds,
                      const std::vector<SoundWindow>& speech) {
    const io::Json kept = remembered(
        out_ / "cache", "end", base_identity() + identity_of(sounds) + identity_of(speech), [&] {
          const EndDirection end = find_end(in_.model, in_.tokenizer, sounds, speech, hear_);
          return io::Json{{"v", end.v}, {"unit", end.unit}, {"length", end.length}};
        });
    return {end_site(in_.model), kept.at("v").get<std::vector<float>>(),
            kept.at("unit").get<double>(), kept.at("length").get<double>()};
  }

  Condition condition() const {
    Condition condition;
    condition.site = saes_[deciding_.sae].site;
    condition.pool = deciding_.pool;
    condition.features = deciding_.detector.features;
    for (const double w : deciding_.detector.model.weights)
      condition.weights.push_back(static_cast<float>(w));
    condition.bias = deciding_.detector.model.bias - gate_.threshold;
    return condition;
  }

  void write_quiet() const {
    const QuietEdit& edit = behind_.edits[behind_.chosen];
    const fs::path folder = out_ / "recipes";
    io::make_folder(folder);
    const auto relative = [&](const sae::Sae& sae) {
      return fs::proximate(fs::absolute(sae.folder), fs::absolute(folder)).generic_string();
    };
    Recipe recipe;
    recipe.name = "quiet";
    recipe.note =
        "writes nothing where features of the encoder say that nobody speaks: " + edit.name;
    recipe.model_name = in_.model_name;
    recipe.model_hash = in_.model.hash();
    if (edit.sae != nullptr) {
      recipe.sae_hash = edit.sae->hash;
      recipe.sae_folder = relative(*edit.sae);
    }
    recipe.site = model::site_name(edit.site);
    recipe.operators = edit.operators;
    recipe.when = condition();
    const sae::Sae& sae = *saes_[deciding_.sae].sae;
    recipe.when_site = model::site_name(recipe.when->site);
    recipe.when_sae_hash = sae.hash;
    recipe.when_sae_folder = relative(sae);
    write_recipe(folder / "quiet.json", recipe);
  }

  OrderedJson row(const std::string& name, const std::string& kind,
                  const std::vector<Heard>& on_sounds, const std::vector<Heard>& on_speech) const {
    return row_json(name, kind, all_.windows_at(test_sounds_), on_sounds,
                    all_.windows_at(test_speech_), all_.heard_at(test_speech_), on_speech,
                    options_.limit, options_.seed, options_.replicates);
  }

  OrderedJson row_of(const Silencer& silencer) const {
    const auto silent = silencer.silent(all_.windows, all_.all);
    OrderedJson json = row(silencer.name, silencer.kind,
                           silenced(all_.heard_at(test_sounds_), flags_at(silent, test_sounds_)),
                           silenced(all_.heard_at(test_speech_), flags_at(silent, test_speech_)));
    json["threshold"] = silencer.threshold;
    return json;
  }

  OrderedJson table() {
    OrderedJson rows = OrderedJson::array();
    rows.push_back(row("the model as it is", "model", all_.heard_at(test_sounds_),
                       all_.heard_at(test_speech_)));
    rows.push_back(row_of(default_filter()));
    quiet_flags_ = gate_.silent(all_.windows, all_.all);
    const auto hear = [&](const std::vector<int64_t>& places, const char* task) {
      return hear_quiet(in_.model, in_.tokenizer, all_.windows_at(places), all_.heard_at(places),
                        flags_at(quiet_flags_, places), condition(), *saes_[deciding_.sae].sae,
                        behind_.edits[behind_.chosen], identity("quiet"), hear_, out_ / "cache",
                        task, progress_);
    };
    quiet_sounds_ = hear(test_sounds_, "the recipe on test sounds");
    quiet_speech_ = hear(test_speech_, "the recipe on test speech");
    const size_t n = deciding_.detector.features.size();
    rows.push_back(row(fmt::format("recipe: {} feature{} decide{}, then {}", n, n == 1 ? "" : "s",
                                   n == 1 ? "s" : "", behind_.edits[behind_.chosen].name),
                       "recipe", quiet_sounds_, quiet_speech_));
    rows.back()["threshold"] = gate_.threshold;
    rows.push_back(always_row());
    others_.push_back(no_speech_token());
    for (size_t s = 0; s < saes_.size(); ++s)
      others_.push_back(
          probe_silencer(s, found_.probes[s], "dense probe at " + model::site_name(saes_[s].site)));
    for (Silencer& silencer : others_) {
      set_threshold(silencer, all_);
      rows.push_back(row_of(silencer));
    }
    if (in_.vad) rows.push_back(row_of(vad_silencer(*in_.vad)));
    return rows;
  }

  /// What the heard of an edit depends on beside the windows.
  std::string base_identity() const {
    std::string text = "3 " + in_.model.hash() +
                       (in_.model.precision() == Precision::bf16 ? " bf16\n" : " f32\n") +
                       hear_.language + "\n";
    for (const SiteSae& one : saes_) text += one.sae->hash + "\n";
    return text;
  }
  std::string identity(const std::string& what) const {
    std::string text = what + "\n" + base_identity();
    if (what == "quiet") return text + "\n" + io::read_file(out_ / "recipes" / "quiet.json");
    const AlwaysOn& edit = always_.fine[always_row_].edit;
    text += "\n" + edit.name(saes_) + fmt::format(" {:.17g}", edit.gain);
    for (const auto* list : {&edit.up, &edit.down})
      for (const int32_t j : *list) text += " " + std::to_string(j);
    return text;
  }

  /// The edit that is always on: on all test sounds, and on as much speech as asked for. Where none
  /// passed on train and dev the one with the least text stands here, marked.
  OrderedJson always_row() {
    always_row_ = always_.best.value_or(always_.strongest.value_or(0));
    const AlwaysOn& edit = always_.fine[always_row_].edit;
    SteerHook hook(in_.model.dims(), saes_[edit.sae].site, edit.operators(), saes_[edit.sae].sae);
    const Edited one{"", model::resume_before(saes_[edit.sae].site), {&hook}};
    const auto some = [&](std::vector<int64_t> places) {
      if (options_.always > 0 && places.size() > static_cast<size_t>(options_.always))
        places.resize(static_cast<size_t>(options_.always));
      return places;
    };
    const auto sounds = some(test_sounds_), speech = some(test_speech_);
    const auto hear = [&](const std::vector<int64_t>& places, const char* task) {
      return hear_edit(in_.model, in_.tokenizer, all_.windows_at(places), one, identity("always"),
                       hear_, out_ / "cache", task, progress_);
    };
    const auto on_sounds = hear(sounds, "the always-on edit on test sounds");
    const auto on_speech = hear(speech, "the always-on edit on test speech");
    OrderedJson json = row_json("always on: " + edit.name(saes_), "recipe", all_.windows_at(sounds),
                                on_sounds, all_.windows_at(speech), all_.heard_at(speech),
                                on_speech, options_.limit, options_.seed, options_.replicates);
    json["passed_on_dev"] = always_.best.has_value();
    return json;
  }

  /// What one of two has over the other, window by window.
  OrderedJson beyond() const {
    if (!in_.vad)
      return {{"measured", false}, {"why", "no findings of a detector in front (--vad)"}};
    const auto vad = vad_silencer(*in_.vad).silent(all_.windows, all_.all);
    OrderedJson json{{"measured", true}, {"detector", in_.vad->detector}};
    const auto add = [&](const char* name, const std::vector<int64_t>& places,
                         const std::vector<Heard>& quiet, bool vad_silent) {
      OrderedJson list = OrderedJson::array();
      int64_t n = 0;
      for (size_t i = 0; i < places.size(); ++i) {
        const auto at = static_cast<size_t>(places[i]);
        const bool wrote = all_.all.heard[at].wrote();
        if (!wrote || (vad[at] != 0) != vad_silent || quiet[i].wrote() != vad_silent) continue;
        ++n;
        if (list.size() < 40)
          list.push_back({{"id", all_.windows[at].clip.id},
                          {"kind", all_.windows[at].clip.kind},
                          {"text", all_.all.heard[at].text.substr(0, 80)}});
      }
      json[name] = {{"n", n}, {"windows", std::move(list)}};
    };
    add("sounds_silenced_by_recipe_alone", test_sounds_, quiet_sounds_, false);
    add("sounds_silenced_by_detector_alone", test_sounds_, quiet_sounds_, true);
    add("speech_lost_by_recipe_alone", test_speech_, quiet_speech_, false);
    add("speech_lost_by_detector_alone", test_speech_, quiet_speech_, true);
    return json;
  }

  OrderedJson mixed() const {
    const auto windows = mix(all_.windows_at(test_speech_), all_.windows_at(test_sounds_),
                             options_.mixed, out_ / "mixed");
    if (windows.empty()) return {{"measured", false}, {"why", "not asked for (--mixed)"}};
    const Listened heard = listen(in_.model, in_.tokenizer, windows, saes_, {hear_}, out_ / "cache",
                                  "speech with sounds under it", progress_);
    std::vector<Silencer> systems{default_filter(), gate_};
    systems.insert(systems.end(), others_.begin(), others_.end());
    bool vad = in_.vad.has_value();
    for (const SoundWindow& window : windows) vad = vad && in_.vad->speech.contains(window.clip.id);
    if (vad) systems.push_back(vad_silencer(*in_.vad));
    OrderedJson json{{"measured", true}, {"clips", windows.size()}, {"detector", vad}};
    json["systems"] = OrderedJson::array();
    for (const Silencer& system : systems) {
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
                                          options_.seed, options_.replicates),
                                 options_.limit);
      json["systems"].push_back(std::move(row));
    }
    return json;
  }

  const SuppressInputs& in_;
  const SuppressOptions& options_;
  bool quick_;
  fs::path out_;
  Progress& progress_;
  HearOptions hear_;
  std::vector<SiteSae> saes_;
  Gathered all_;
  std::vector<int64_t> test_sounds_, test_speech_;
  Detected found_;
  FoundDetector deciding_;
  Silencer gate_;
  AlwaysSearch always_;
  size_t always_row_ = 0;
  TriedEdits behind_;
  std::vector<int64_t> random_;
  std::vector<uint8_t> quiet_flags_;
  std::vector<Heard> quiet_sounds_, quiet_speech_;
  std::vector<Silencer> others_;
};

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
  return Suppressing(inputs, options, quick, out, progress).run();
}

}  // namespace otoscope::steer
