#include "otoscope/steer/suppress.h"

#include <list>
#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/core/errors.h"
#include "otoscope/model/decode.h"
#include "otoscope/store/corpora.h"

namespace otoscope::cli {
namespace {

struct SuppressVerbOptions {
  std::string model, nonspeech = "nonspeech", speech = "prompts", out, vad, precision = "bf16";
  std::vector<std::string> sae;
  bool quick = false;
  steer::SuppressOptions suppress;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("model", o.model, "the model that writes text where nobody speaks");
    v("sae", o.sae, "folders of SAEs of sites of its encoder");
    v("nonspeech", o.nonspeech, "manifest (or fetched corpus) of sounds without speech");
    v("speech", o.speech, "manifest (or fetched corpus) of speech with texts");
    v("out", o.out, "folder for suppress.json, recipes/quiet.json and what was heard");
    v("vad", o.vad, "findings of a voice-activity detector, by benchmarks/peers/vad.py");
    v("quick", o.quick, "a small form of it, for the demo");
    v("precision", o.precision, "arithmetic of the model", Choices{{"f32", "bf16"}});
    steer::SuppressOptions::visit(o.suppress, v);
  }
};

class Suppress : public VerbWith<SuppressVerbOptions> {
 public:
  std::string example() const override {
    return "suppress --model whisper-base --sae runs/demo/sae/encoder.out/batchtopk-4096-k32 "
           "--out runs/demo/suppress --quick";
  }

  int run(const Context& context) override {
    if (options_.model.empty()) throw UserError("--model", "expected a model, got none");
    if (options_.out.empty()) throw UserError("--out", "expected a folder, got none");
    if (options_.sae.empty()) throw UserError("--sae", "expected the folder of an SAE, got none");
    if (options_.quick) options_.suppress.make_quick();
    options_.suppress.seed = context.common.seed;
    const auto sounds = store::read_manifest(store::resolve_manifest(options_.nonspeech));
    const auto speech = store::read_manifest(store::resolve_manifest(options_.speech));
    std::optional<steer::VadFindings> vad;
    if (!options_.vad.empty()) vad = steer::read_vad(options_.vad);
    std::list<sae::Sae> saes;
    std::vector<const sae::Sae*> borrowed;
    for (const std::string& folder : options_.sae) {
      saes.push_back(sae::load(folder));
      borrowed.push_back(&saes.back());
    }
    model::LoadOptions load;
    load.precision = options_.precision == "bf16" ? Precision::bf16 : Precision::f32;
    const auto model = model::Whisper::load(options_.model, load, context.progress);
    const auto tokenizer = model::load_tokenizer(model, context.progress);
    const auto result =
        steer::suppress({model, tokenizer, options_.model, borrowed, sounds, speech, vad},
                        options_.suppress, options_.quick, options_.out, context.progress);
    if (context.common.json) {
      context.print(result.dump(1));
      return 0;
    }
    std::string text;
    for (const steer::TextTable& table : steer::suppress_tables(result)) {
      text += (text.empty() ? "" : "\n") + table.title + "\n";
      if (!table.rows.empty()) text += text_table(table.rows) + "\n";
      if (!table.note.empty()) text += table.note + "\n";
    }
    context.print(text + "\n" + (std::filesystem::path(options_.out) / "suppress.json").string());
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_suppress() { return std::make_unique<Suppress>(); }

}  // namespace otoscope::cli
