#include "otoscope/store/extract.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/store/corpora.h"
#include "otoscope/store/joined.h"

namespace otoscope::cli {
namespace {

struct ExtractVerbOptions {
  std::string model, out, precision = "f32";
  std::vector<std::string> data, site;
  int64_t shuffle_weights = -1;
  bool with_text = false;
  double longest = 0;
  store::ExtractOptions extract;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("model", o.model, "a known name, or a folder with a checkpoint");
    v("site", o.site, "sites, each written to OUT/SITE; `models show MODEL` lists them");
    v("data", o.data,
      "manifest.jsonl, or the name of a fetched corpus; several are read as one, a prompt in two "
      "of them has the split of the first");
    v("out", o.out, "folder of the stores");
    v("with-text", o.with_text, "only clips with speech and a text");
    v("longest", o.longest,
      "only clips that the manifest says last at most so many seconds, 0 = all; decoder sites need "
      "clips of one window",
      Range{0, 1e9});
    v("precision", o.precision, "how the model computes", Choices{{"f32", "bf16"}});
    v("shuffle-weights", o.shuffle_weights,
      "control: permute the entries of every weight by this seed; -1 = do not", Range{-1, 9e18});
    store::ExtractOptions::visit(o.extract, v);
  }
};

/// What the store calls the model: the name given, or the name of its folder.
std::string name_of(const std::string& model) {
  const std::filesystem::path path(model);
  if (!std::filesystem::is_directory(path)) return model;
  const auto whole = std::filesystem::absolute(path).lexically_normal();
  return (whole.has_filename() ? whole.filename() : whole.parent_path().filename()).string();
}

/// Speech without a text says nothing that a reader of the report could check.
void keep_clips_with_text(std::vector<store::Clip>& clips) {
  std::erase_if(clips, [](const store::Clip& clip) {
    return !clip.speech || !clip.text || trimmed(*clip.text).empty();
  });
}

class Extract : public VerbWith<ExtractVerbOptions> {
 public:
  std::string example() const override {
    return "extract --model whisper-base --site encoder.out --data prompts --pack "
           "--out runs/demo/activations";
  }

  int run(const Context& context) override {
    const ExtractVerbOptions& o = options_;
    const auto require = [](const char* name, bool given) {
      if (!given) throw UserError(name, "expected a value, got none");
    };
    require("--model", !o.model.empty());
    require("--data", !o.data.empty());
    require("--out", !o.out.empty());
    options_.extract.pack_seed = context.common.seed;
    std::vector<store::Manifest> parts;
    for (const std::string& name : o.data)
      parts.push_back(store::read_manifest(store::resolve_manifest(name)));
    auto manifest = store::join(std::move(parts));
    if (o.with_text) keep_clips_with_text(manifest.clips);
    if (o.longest > 0)
      std::erase_if(manifest.clips,
                    [&](const store::Clip& clip) { return clip.duration_s > o.longest; });

    model::LoadOptions load;
    load.precision = o.precision == "bf16" ? Precision::bf16 : Precision::f32;
    if (o.shuffle_weights >= 0) load.shuffle_weights = static_cast<uint64_t>(o.shuffle_weights);
    const auto model = model::Whisper::load(o.model, load, context.progress);
    std::vector<model::Site> sites;
    for (const std::string& name : o.site) sites.push_back(model::find_site(model.dims(), name));

    const auto report = store::extract(model, name_of(o.model), sites, manifest.clips, o.extract,
                                       o.out, context.progress);
    print(context, report, sites);
    return 0;
  }

 private:
  void print(const Context& context, const store::ExtractReport& report,
             const std::vector<model::Site>& sites) const {
    nlohmann::ordered_json stores = nlohmann::ordered_json::array();
    std::string lines;
    for (const model::Site& site : sites) {
      const auto path = (std::filesystem::path(options_.out) / model::site_name(site)).string();
      stores.push_back(path);
      lines += "\n  " + path;
    }
    const double inside = report.seconds > 0 ? report.forward_s / report.seconds : 0;
    const double speed = report.seconds > 0 ? report.audio_s / report.seconds : 0;
    if (context.common.json) {
      context.print(nlohmann::ordered_json{{"stores", stores},
                                           {"clips", report.clips},
                                           {"rows", report.rows},
                                           {"windows", report.windows},
                                           {"audio_s", report.audio_s},
                                           {"seconds", report.seconds},
                                           {"forward_s", report.forward_s},
                                           {"reused", report.reused}}
                        .dump(1));
      return;
    }
    context.print(
        fmt::format("{} rows of {} clips ({} of audio) in {} windows{}", report.rows, report.clips,
                    human_seconds(report.audio_s), report.windows,
                    report.reused
                        ? ", extracted before"
                        : fmt::format(": {}, {:.0f} times real time, {:.0f} % of it in "
                                      "the model",
                                      human_seconds(report.seconds), speed, 100 * inside)) +
        lines);
  }
};

}  // namespace

std::unique_ptr<Verb> make_extract() { return std::make_unique<Extract>(); }

}  // namespace otoscope::cli
