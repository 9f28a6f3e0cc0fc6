#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/registry.h"
#include "otoscope/steer/crosslingual.h"
#include "otoscope/steer/directions.h"
#include "otoscope/steer/phone.h"
#include "otoscope/steer/recipe.h"
#include "otoscope/steer/sound_clips.h"
#include "otoscope/store/corpora.h"

namespace otoscope::cli {
namespace {

struct SteerVerbOptions {
  std::string sae, activations, data, out = "steer.json", recipe, write_recipe;
  std::string target = "kl", action = "clamp", split = "test", precision = "f32";
  std::vector<int> features;
  std::vector<float> strengths;
  int clips = 32, controls = 20, every = 4;
  int batch = 8, max_tokens = 32;
  std::string decode_language = "own";
  bool no_decode = false, sounds = false;
  int64_t shuffle_weights = -1;
  steer::CrosslingualOptions crosslingual;
  steer::PhoneOptions phone;

  SteerVerbOptions() { crosslingual.toward.clear(); }

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("sae", o.sae, "folder of the SAE");
    v("activations", o.activations, "store of the site: units and controls come from its rows");
    v("data", o.data, "manifest (or fetched corpus) of the clips");
    v("out", o.out, "where the result is written");
    v("features", o.features, "features to steer");
    v("action", o.action, "what is done to them", Choices{{"add", "scale", "clamp", "ablate"}});
    v("strengths", o.strengths, "doses; -2,-1,-0.5,0,0.5,1,2 if not given");
    v("target", o.target,
      "what is meant to change: kl, no-speech, text, token=WORD, language=CODE (of the text), "
      "language-token=CODE");
    v("recipe", o.recipe, "steer by a recipe's operators instead of --features");
    v("write-recipe", o.write_recipe, "keep the steering at strength 1 as a recipe");
    v("split", o.split, "clips of which split", Choices{{"train", "dev", "test", "all"}});
    v("sounds", o.sounds, "take the clips without speech (with --features or --recipe)");
    v("clips", o.clips, "how many clips, 0 = all", Range{0, 1e6});
    v("controls", o.controls,
      "random features, random directions and random principal directions, so many of each",
      Range{0, 1000});
    v("every", o.every, "controls run on every how many-th clip", Range{1, 1e6});
    v("decode-language", o.decode_language,
      "of free decoding: own (the clip's), detect, or a code");
    v("no-decode", o.no_decode, "teacher-forced measures alone");
    v("max-tokens", o.max_tokens, "of free decoding, per clip", Range{1, 448});
    v("batch", o.batch, "clips at once", Range{1, 1024});
    v("precision", o.precision, "how the model computes", Choices{{"f32", "bf16"}});
    v("shuffle-weights", o.shuffle_weights,
      "control: permute the entries of every weight by this seed; -1 = do not", Range{-1, 9e18});
    steer::CrosslingualOptions::visit(o.crosslingual, v);
    steer::PhoneOptions::visit(o.phone, v);
  }
};

std::string after(const std::string& text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string();
}

class Steer : public VerbWith<SteerVerbOptions> {
 public:
  std::string usage() const override { return "MODEL"; }
  std::string example() const override {
    return "steer whisper-base --sae runs/demo/sae/encoder.out/batchtopk-4096-k32 --activations "
           "runs/demo/activations/encoder.out --data prompts --from en --toward es";
  }
  std::pair<int, int> positional() const override { return {1, 1}; }

  int run(const Context& context) override {
    check();
    model::LoadOptions load;
    load.precision = options_.precision == "bf16" ? Precision::bf16 : Precision::f32;
    if (options_.shuffle_weights >= 0)
      load.shuffle_weights = static_cast<uint64_t>(options_.shuffle_weights);
    const auto model =
        model::Whisper::load(model::resolve_model(context.arguments[0]), load, context.progress);
    const auto tokenizer = model::load_tokenizer(model, context.progress);
    const sae::Sae sae = sae::load(options_.sae);
    const auto store = store::Store::open(options_.activations);
    check(model, sae, store);
    const auto manifest = store::read_manifest(store::resolve_manifest(options_.data));

    steer::DoseOptions dose;
    dose.seed = context.common.seed;
    dose.batch = options_.batch;
    dose.max_tokens = options_.max_tokens;
    dose.language = options_.decode_language;
    nlohmann::ordered_json json{{"schema", "otoscope.steer"}, {"version", 1}};
    json["model"] = {{"name", model.folder().filename().string()}, {"hash", model.hash()}};
    json["sae"] = {{"folder", options_.sae}, {"hash", sae.hash}};
    json["site"] = store.site();
    json["data"] = {{"manifest", manifest.path.string()}, {"sha256", manifest.sha256}};
    json["precision"] = options_.precision;
    json["seed"] = dose.seed;
    const bool language = !options_.crosslingual.toward.empty();
    if (language) {
      json["kind"] = "language";
      auto& o = options_.crosslingual;
      o.controls = options_.controls;
      o.test_clips = options_.clips;
      if (!options_.strengths.empty()) o.strengths = options_.strengths;
      json.update(
          steer::steer_language(model, tokenizer, sae, store, manifest, o, dose, context.progress));
    } else if (!options_.phone.phone.empty()) {
      json["kind"] = "phone";
      const auto labels = audio::read_label_lines(options_.phone.labels);
      options_.phone.phone_clips = options_.clips;
      options_.phone.phone_control_every = options_.every;
      json.update(steer::steer_phone(model, tokenizer, sae, store, manifest, labels, options_.phone,
                                     strengths(), options_.controls, dose, context.progress));
    } else {
      json["kind"] = "dose";
      json.update(features(context, model, tokenizer, sae, store, manifest, dose));
    }
    io::write_json(options_.out, json);
    if (context.common.json)
      context.print(json.dump(1));
    else
      context.print(options_.out + "\n" +
                    text_table(language ? steer::language_table(json) : steer::dose_table(json)));
    return 0;
  }

 private:
  void check() const {
    const std::pair<const char*, const std::string*> needed[] = {
        {"--sae", &options_.sae},
        {"--activations", &options_.activations},
        {"--data", &options_.data}};
    for (const auto& [name, value] : needed)
      if (value->empty()) throw UserError(name, "expected a value, got none");
    const int ways = (options_.crosslingual.toward.empty() ? 0 : 1) +
                     (options_.phone.phone.empty() ? 0 : 1) + (options_.recipe.empty() ? 0 : 1) +
                     (options_.features.empty() ? 0 : 1);
    if (ways != 1)
      throw UserError("steer", "expected one of --features, --recipe, --toward and --phone",
                      "say what to steer");
    if (!options_.phone.phone.empty() && options_.phone.labels.empty())
      throw UserError("--labels", "expected the labels that say where the phone is", "label verb");
  }

  static void check(const model::Whisper& model, const sae::Sae& sae, const store::Store& store) {
    if (store.model_hash() != model.hash())
      throw UserError(store.path().string(),
                      "expected activations of this model, got those of " + store.model_name());
    if (!sae.model_hash.empty() && sae.model_hash != model.hash())
      throw UserError(sae.folder.string(),
                      "expected an SAE of this model, got one of " + sae.model_name);
    if (!sae.site.empty() && sae.site != store.site())
      throw UserError(store.path().string(), "expected activations of the SAE's site " + sae.site +
                                                 ", got " + store.site());
  }

  std::vector<double> strengths() const {
    if (options_.strengths.empty()) return {-2, -1, -0.5, 0, 0.5, 1, 2};
    return {options_.strengths.begin(), options_.strengths.end()};
  }

  std::unique_ptr<steer::Target> target(const model::Tokenizer& tokenizer,
                                        const store::Manifest& manifest,
                                        std::optional<steer::TextLanguage>& guesser) const {
    const std::string& t = options_.target;
    if (t == "kl") return steer::kl_target();
    if (t == "no-speech") return steer::no_speech_target();
    if (t == "text") return steer::has_text_target();
    if (const std::string code = after(t, "language-token="); !code.empty())
      return steer::language_probability_target(code);
    if (const std::string code = after(t, "language="); !code.empty()) {
      guesser.emplace(steer::TextLanguage::of_manifest(manifest));
      return steer::text_language_target(code, *guesser);
    }
    if (const std::string word = after(t, "token="); !word.empty()) {
      const auto ids = tokenizer.encode(" " + word);
      if (ids.size() != 1)
        throw UserError("--target", "expected a word of one token, got " +
                                        std::to_string(ids.size()) + " tokens for " + word);
      return steer::token_target(ids[0], "\"" + word + "\"");
    }
    throw UserError("--target",
                    "expected kl, no-speech, text, token=, language= or "
                    "language-token=, got " +
                        t);
  }

  nlohmann::ordered_json features(const Context& context, const model::Whisper& model,
                                  const model::Tokenizer& tokenizer, const sae::Sae& sae,
                                  const store::Store& store, const store::Manifest& manifest,
                                  const steer::DoseOptions& dose) const {
    const model::Site site = model::find_site(model.dims(), store.site());
    std::optional<steer::TextLanguage> guesser;
    const auto what = target(tokenizer, manifest, guesser);
    const auto choose = options_.sounds ? steer::choose_sound_clips : eval::choose_clips;
    const auto choice =
        choose(manifest, store::split_named(options_.split), options_.clips, model, tokenizer);
    const auto scales =
        steer::measure_scales(&sae, store, store::Split::train, 16384, context.progress);
    std::vector<steer::Arm> arms(1);
    arms[0].name = "edit";
    arms[0].strengths = strengths();
    arms[0].decode = !options_.no_decode;
    if (!options_.recipe.empty()) {
      steer::Recipe recipe = steer::read_recipe(options_.recipe);
      if (recipe.when)
        throw UserError(options_.recipe,
                        "expected a recipe that always acts, got one with a condition",
                        "`suppress` measures those");
      const steer::Steering bound(recipe, model, options_.sae);  // refuses another model's
      arms[0].operators = recipe.operators;
      arms[0].name = recipe.name.empty() ? "recipe" : recipe.name;
    } else {
      const auto action = steer::action_named("--action", options_.action);
      for (const int f : options_.features)
        if (f < 0 || f >= sae.F())
          throw UserError("--features", "expected features 0 to " + std::to_string(sae.F() - 1) +
                                            ", got " + std::to_string(f));
      const std::vector<int32_t> ids(options_.features.begin(), options_.features.end());
      // scale: strength 1 doubles, -1 ablates.
      arms[0].operators = {steer::on_features(action, ids, action == steer::Action::scale ? 2 : 1,
                                              scales.p99_of(ids))};
    }
    if (!options_.write_recipe.empty()) keep(model, sae, store, arms[0].operators);
    std::vector<double> at;
    for (const double s : arms[0].strengths)
      if (s != 0) at.push_back(s);
    const double strongest = *std::max_element(at.begin(), at.end());
    const eval::Pca pca = steer::site_pca(store);
    steer::add_controls(arms, 0, {strongest}, options_.controls, options_.every, scales, store.d(),
                        dose.seed, &pca);
    const auto run =
        steer::run_doses(model, tokenizer, choice, site, &sae, arms, *what, dose, context.progress);
    return steer::dose_json(run, arms, choice, *what, dose);
  }

  void keep(const model::Whisper& model, const sae::Sae& sae, const store::Store& store,
            const std::vector<steer::Operator>& operators) const {
    steer::Recipe recipe;
    recipe.model_name = model.folder().filename().string();
    recipe.model_hash = model.hash();
    recipe.sae_folder = std::filesystem::relative(
        options_.sae, std::filesystem::absolute(options_.write_recipe).parent_path());
    recipe.sae_hash = sae.hash;
    recipe.site = store.site();
    recipe.operators = operators;
    steer::write_recipe(options_.write_recipe, recipe);
  }
};

}  // namespace

std::unique_ptr<Verb> make_steer() { return std::make_unique<Steer>(); }

}  // namespace otoscope::cli
