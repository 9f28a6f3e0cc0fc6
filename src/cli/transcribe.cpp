#include "otoscope/model/transcribe.h"

#include <nlohmann/json.hpp>
#include <set>

#include "cli/verb.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/model/registry.h"
#include "otoscope/model/transcript_format.h"
#include "otoscope/steer/recipe.h"

namespace otoscope::cli {
namespace {

struct TranscribeVerbOptions {
  std::string format = "txt", out, precision = "f32", recipe, recipe_sae;
  int64_t shuffle_weights = -1;
  model::TranscribeOptions transcribe;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("format", o.format, "what is written", Choices{{"txt", "srt", "vtt", "json"}});
    v("out", o.out, "folder for one file per recording; printed if not given");
    v("recipe", o.recipe, "steer the model by this recipe");
    v("recipe-sae", o.recipe_sae, "where the recipe's SAE is now, if not where the recipe says");
    model::TranscribeOptions::visit(o.transcribe, v);
    v("precision", o.precision, "how the model computes", Choices{{"f32", "bf16"}});
    v("shuffle-weights", o.shuffle_weights,
      "control: permute the entries of every weight by this seed; -1 = do not", Range{-1, 9e18});
  }
};

class Transcribe : public VerbWith<TranscribeVerbOptions> {
 public:
  std::string usage() const override { return "MODEL AUDIO..."; }
  std::string example() const override {
    return "transcribe whisper-base interview.mp3 --language en --word-timestamps --format srt";
  }
  std::pair<int, int> positional() const override { return {2, -1}; }

  int run(const Context& context) override {
    options_.transcribe.seed = context.common.seed;
    if (context.common.json) options_.format = "json";
    std::vector<std::filesystem::path> files(context.arguments.begin() + 1,
                                             context.arguments.end());
    if (!options_.out.empty()) check_names(files);

    model::LoadOptions load;
    load.precision = options_.precision == "bf16" ? Precision::bf16 : Precision::f32;
    if (options_.shuffle_weights >= 0)
      load.shuffle_weights = static_cast<uint64_t>(options_.shuffle_weights);
    const auto model =
        model::Whisper::load(model::resolve_model(context.arguments[0]), load, context.progress);
    const auto tokenizer = model::load_tokenizer(model, context.progress);
    std::optional<steer::Steering> steering;
    std::vector<model::Hook*> hooks;
    if (!options_.recipe.empty()) {
      steering.emplace(steer::read_recipe(options_.recipe), model, options_.recipe_sae);
      hooks = steering->hooks();
    }
    const auto transcripts =
        model::transcribe(model, tokenizer, files, options_.transcribe, context.progress, hooks);
    if (options_.out.empty())
      print(context, transcripts);
    else
      write(context, transcripts);
    return 0;
  }

 private:
  std::filesystem::path target(const std::filesystem::path& file) const {
    return std::filesystem::path(options_.out) / (file.stem().string() + "." + options_.format);
  }

  /// Two recordings of one name would overwrite each other.
  void check_names(const std::vector<std::filesystem::path>& files) const {
    std::set<std::string> names;
    for (const auto& file : files)
      if (!names.insert(target(file).string()).second)
        throw UserError(file.string(), "expected recordings of different names with --out",
                        "transcribe them into different folders");
  }

  std::string render(const model::Transcript& t) const {
    if (options_.format == "srt") return model::as_srt(t);
    if (options_.format == "vtt") return model::as_vtt(t);
    return model::as_text(t);
  }
  nlohmann::ordered_json json(const model::Transcript& t) const {
    return model::as_json(t, options_.transcribe.word_timestamps);
  }

  void print(const Context& context, const std::vector<model::Transcript>& transcripts) const {
    if (options_.format == "json") {
      nlohmann::ordered_json list = nlohmann::ordered_json::array();
      for (const auto& t : transcripts) list.push_back(json(t));
      context.print(list.dump(1));
      return;
    }
    std::string all;
    for (const auto& t : transcripts) {
      if (transcripts.size() > 1 && options_.format == "txt") all += t.path + ": ";
      all += render(t);
    }
    while (!all.empty() && all.back() == '\n') all.pop_back();
    context.print(all);
  }

  void write(const Context& context, const std::vector<model::Transcript>& transcripts) const {
    io::make_folder(options_.out);
    for (const auto& t : transcripts) {
      const auto path = target(t.path);
      if (options_.format == "json")
        io::write_file(path, nlohmann::ordered_json::array({json(t)}).dump(1) + "\n");
      else
        io::write_file(path, render(t));
      if (!context.common.json) context.print(path.string());
    }
    if (context.common.json) {
      nlohmann::ordered_json paths = nlohmann::ordered_json::array();
      for (const auto& t : transcripts) paths.push_back(target(t.path).string());
      context.print(paths.dump(1));
    }
  }
};

}  // namespace

std::unique_ptr<Verb> make_transcribe() { return std::make_unique<Transcribe>(); }

}  // namespace otoscope::cli
