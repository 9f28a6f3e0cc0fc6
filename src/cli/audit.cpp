#include "otoscope/audit/audit.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <list>
#include <nlohmann/json.hpp>

#include "cli/audit_reports.h"
#include "cli/usage_error.h"
#include "cli/verb.h"
#include "otoscope/audit/gate.h"
#include "otoscope/audit/review.h"
#include "otoscope/audit/verify.h"
#include "otoscope/core/controls.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/io/private_folder.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/registry.h"
#include "otoscope/store/corpora.h"

namespace otoscope::cli {
namespace {

namespace fs = std::filesystem;

struct AuditVerbOptions {
  std::string model, data, mode, out, speech, key, review, contexts, precision = "bf16", fail_if,
                                                                     judge;
  std::vector<std::string> sae;
  bool rerun = false, keep = false;
  int each = 100;
  audit::AuditOptions audit;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("model", o.model, "the model that may fail");
    v("data", o.data, "manifest (or fetched corpus) of clips on which it may");
    v("mode", o.mode,
      "the failure: a file of JSON, or one that comes along (text-on-nonspeech, "
      "text-on-nonspeech-raw, deletion, repetition, wrong-language, number, wer-half)");
    v("sae", o.sae,
      "folders of SAEs of its encoder or of decoder rows, to look for the mechanism in; a second "
      "one "
      "of a site is another seed, and varies the analysis");
    v("speech", o.speech, "manifest (or fetched corpus) of speech that must not suffer");
    v("out", o.out, "the record, NAME.json; with review: the file of answers; with history: JSON");
    v("key", o.key, "NAME.key signs the record; with verify and history: NAME.pub");
    v("review", o.review, "what people said of the predicate (audit review)");
    v("contexts", o.contexts, "contexts.json, by `otoscope contexts`, to be bound to the record");
    v("fail-if", o.fail_if, "exit with status 3 where this holds of the record: 'rate.low > 0.05'");
    v("precision", o.precision, "arithmetic of the model", Choices{{"f32", "bf16"}});
    v("rerun", o.rerun, "with verify: measure again and compare within the intervals");
    v("keep", o.keep, "with keygen: leave keys that are there as they are");
    v("judge", o.judge, "with review: who judges");
    v("each", o.each, "with review: most flagged, and most unflagged cases", Range{1, 10000});
    audit::AuditOptions::visit(o.audit, v);
  }
};

/// Model, SAEs and manifests of an audit, loaded.
struct Loaded {
  std::list<sae::Sae> saes;
  std::optional<model::Whisper> model;
  std::optional<model::Tokenizer> tokenizer;
  audit::FailureMode mode;
  store::Manifest data;
  std::optional<store::Manifest> speech;
};

class Audit : public VerbWith<AuditVerbOptions> {
 public:
  std::string usage() const override {
    return "[keygen NAME | verify FILE | report FILE | history FILE FILE... | review FILE]";
  }
  std::pair<int, int> positional() const override { return {0, 1000}; }
  std::string example() const override {
    return "audit --model whisper-base --data nonspeech --mode text-on-nonspeech --sae "
           "runs/demo/sae/encoder.out/batchtopk-4096-k32 --speech prompts --key me.key "
           "--out audit/nonspeech.json";
  }

  int run(const Context& context) override {
    const auto& words = context.arguments;
    if (words.empty()) return measure(context);
    if (words.size() == 2 && words[0] == "keygen") return keygen(context, words[1]);
    if (words.size() == 2 && words[0] == "verify") return verify(context, words[1]);
    if (words.size() == 2 && words[0] == "review") return review(context, words[1]);
    if (words.size() == 2 && words[0] == "report") return report_audit(context, words[1]);
    if (words.size() >= 2 && words[0] == "history")
      return audit_history(
          context, {options_.key, options_.out, options_.fail_if, options_.audit.replicates});
    return wrong_usage("audit",
                       "keygen NAME, verify FILE, report FILE, history FILE FILE..., review FILE, "
                       "or options alone",
                       words);
  }

 private:
  int keygen(const Context& context, const std::string& name) const {
    if (options_.keep && fs::exists(name + ".key") && fs::exists(name + ".pub")) {
      context.print(name + ".key, " + name + ".pub: there already, kept");
      return 0;
    }
    const audit::SecretKey key = audit::make_key();
    const audit::KeyFiles files = audit::write_keys(name, key);
    if (context.common.json)
      context.print(io::OrderedJson{{"secret", files.secret.string()},
                                    {"public", files.shared.string()},
                                    {"id", key.public_key().id()}}
                        .dump(1));
    else
      context.print(files.secret.string() + " is secret: it signs\n" + files.shared.string() +
                    " is for those who check\nkey " + key.public_key().id());
    return 0;
  }

  /// Options that say what is measured: kept in the record, read again by --rerun.
  io::OrderedJson command(const Context& context) const {
    io::OrderedJson json{{"model", options_.model},         {"data", options_.data},
                         {"mode", options_.mode},           {"speech", options_.speech},
                         {"precision", options_.precision}, {"seed", context.common.seed}};
    audit::AuditOptions copy = options_.audit;
    json["options"] = io::options_to_json(options_of(copy));
    return json;
  }

  Loaded load(const Context& context) const {
    Loaded loaded;
    loaded.mode = audit::find_mode(options_.mode);
    if (loaded.mode.runs_programs() && !options_.audit.allow_programs)
      throw UserError(loaded.mode.id, "judges by running a program, which was not allowed",
                      "read the mode and the program, then add --allow-programs");
    loaded.data = store::read_manifest(store::resolve_manifest(options_.data));
    if (!options_.speech.empty())
      loaded.speech = store::read_manifest(store::resolve_manifest(options_.speech));
    for (const std::string& folder : options_.sae) loaded.saes.push_back(sae::load(folder));
    model::LoadOptions how;
    how.precision = options_.precision == "bf16" ? Precision::bf16 : Precision::f32;
    loaded.model = model::Whisper::load(options_.model, how, context.progress);
    loaded.tokenizer = model::load_tokenizer(*loaded.model, context.progress);
    return loaded;
  }

  audit::AuditResult run_audit(const Context& context, const fs::path& record,
                               const fs::path& cache) {
    options_.audit.seed = context.common.seed;
    const Loaded loaded = load(context);
    audit::AuditInputs inputs{*loaded.model,
                              *loaded.tokenizer,
                              options_.model,
                              {},
                              loaded.mode,
                              {},
                              loaded.data,
                              options_.data,
                              nullptr,
                              {},
                              {},
                              {},
                              {},
                              {}};
    for (const sae::Sae& one : loaded.saes) inputs.saes.push_back(&one);
    const std::vector<std::string> known = audit::known_modes();
    if (std::find(known.begin(), known.end(), options_.mode) == known.end())
      inputs.mode_path = options_.mode;
    if (loaded.speech) inputs.speech = &*loaded.speech, inputs.speech_name = options_.speech;
    if (!options_.review.empty()) inputs.review = io::read_file(options_.review);
    if (!options_.contexts.empty()) inputs.contexts = io::read_file(options_.contexts);
    inputs.command = command(context).dump();
    inputs.folder = fs::absolute(record).parent_path();
    return audit::audit(inputs, options_.audit, cache, context.progress);
  }

  int measure(const Context& context) {
    for (const auto& [name, value] : {std::pair{"--model", &options_.model},
                                      {"--data", &options_.data},
                                      {"--mode", &options_.mode},
                                      {"--out", &options_.out}})
      if (value->empty()) throw UserError(name, "expected a value, got none");
    const audit::RecordFiles files = audit::record_files(options_.out);
    std::optional<audit::SecretKey> key;
    if (!options_.key.empty()) key.emplace(audit::read_secret_key(options_.key));
    if (!files.record.parent_path().empty()) io::make_folder(files.record.parent_path());
    const audit::AuditResult result =
        run_audit(context, files.record, files.record.string() + ".cache");
    const auto record = io::OrderedJson::parse(result.record);
    io::write_file(files.cases, result.cases);
    io::write_file(files.record, result.record);
    if (key)
      io::write_file(files.envelope,
                     audit::seal_record(record, result.record, result.cases, files, *key));
    else
      fs::remove(files.envelope);  // of another record
    if (context.common.json) {
      context.print(result.record);
    } else {
      context.print(record.at("text").get<std::string>());
      for (const auto& test : record.at("verdict").at("tests"))
        context.print(std::string(test.at("passed").get<bool>() ? "  passed  " : "  failed  ") +
                      test.at("name").get<std::string>() + ": " +
                      test.at("says").get<std::string>());
      const auto& multiverse = record.at("multiverse");
      if (multiverse.at("measured").get<bool>())
        context.print("the verdict holds in " +
                      std::to_string(std::lround(multiverse.at("share_supporting").get<double>() *
                                                 multiverse.at("n_specs").get<double>())) +
                      " of " + multiverse.at("n_specs").dump() + " analyses (" +
                      multiverse.at("computable").dump() + " could be computed)");
      context.print(files.record.string() + (key ? ", signed" : ", not signed (--key)"));
    }
    if (!options_.fail_if.empty() && audit::holds(options_.fail_if, io::Json(record)))
      throw ConditionFailed(files.record.string(), "expected not " + options_.fail_if);
    return 0;
  }

  static io::OrderedJson findings_json(const std::vector<audit::Finding>& findings) {
    io::OrderedJson list = io::OrderedJson::array();
    for (const audit::Finding& one : findings)
      list.push_back({{"what", one.what}, {"holds", one.holds}, {"says", one.says}});
    return list;
  }

  int verify(const Context& context, const std::string& file) {
    if (options_.key.empty())
      throw UserError("--key", "expected the public key of who signed, got none",
                      "a record that says itself who signed it proves nothing");
    audit::Whereabouts where;
    if (!options_.model.empty()) where.model = model::resolve_model(options_.model);
    if (!options_.data.empty()) where.data = store::resolve_manifest(options_.data);
    if (!options_.speech.empty()) where.speech = store::resolve_manifest(options_.speech);
    where.mode = options_.mode;
    for (const std::string& folder : options_.sae) where.saes.emplace_back(folder);
    audit::Verified verified =
        audit::verify_record(file, audit::read_public_key(options_.key), where);
    if (options_.rerun && verified.holds())
      for (audit::Finding& one : measured_again(context, file, verified))
        verified.findings.push_back(std::move(one));
    if (context.common.json) {
      context.print(io::OrderedJson{{"schema", "otoscope.audit-verified"},
                                    {"version", 1},
                                    {"holds", verified.holds()},
                                    {"findings", findings_json(verified.findings)}}
                        .dump(1));
    } else {
      for (const audit::Finding& one : verified.findings)
        context.print((one.holds ? "ok      " : "FAILED  ") + one.what + ": " + one.says);
    }
    if (!verified.holds()) throw ConditionFailed(file, "expected a record that holds, it does not");
    if (!options_.fail_if.empty() &&
        audit::holds(options_.fail_if, io::parse_json(verified.record, file)))
      throw ConditionFailed(file, "expected not " + options_.fail_if);
    return 0;
  }

  std::vector<audit::Finding> measured_again(const Context& context, const std::string& file,
                                             const audit::Verified& verified) {
    const auto before = io::OrderedJson::parse(verified.record);
    const auto& from = before.at("provenance");
    const io::Json said = io::Json(from.at("command"));
    const auto text = [&](const char* key) { return io::string_at(said, key, file); };
    if (options_.model.empty()) options_.model = text("model");
    if (options_.data.empty()) options_.data = text("data");
    if (options_.mode.empty()) options_.mode = text("mode");
    if (options_.speech.empty()) options_.speech = text("speech");
    options_.precision = text("precision");
    const bool allowed = options_.audit.allow_programs;  // here and now, not then
    io::options_from_json(options_of(options_.audit), io::member_at(said, "options", file), file);
    options_.audit.allow_programs = allowed;
    const fs::path folder = fs::absolute(audit::record_files(file).record).parent_path();
    if (options_.sae.empty())
      for (const auto& sae : from.at("saes")) {
        if (!sae.contains("folder"))
          throw UserError(file, "does not say where an SAE lies", "give every --sae, in its order");
        options_.sae.push_back((folder / sae.at("folder").get<std::string>()).string());
      }
    Context same{context.common, context.arguments, context.progress, context.quiet};
    same.common.seed = static_cast<uint64_t>(io::integer_at(said, "seed", file));
    // Nothing of the first run may be taken for granted: what it heard is not used.
    const io::PrivateFolder heard("rerun");
    const audit::AuditResult again =
        run_audit(same, audit::record_files(file).record, heard.path());
    return audit::compare_rerun(before, io::OrderedJson::parse(again.record));
  }

  int review(const Context& context, const std::string& file) {
    if (options_.out.empty()) throw UserError("--out", "expected a file for the answers, got none");
    if (options_.judge.empty()) throw UserError("--judge", "expected who judges, got none");
    const audit::RecordFiles files = audit::record_files(file);
    const io::Json record = io::read_json(files.record);
    const io::Json& mode = io::member_at(record, "failure_mode", file);
    const std::string cases = io::read_file(files.cases);
    std::optional<io::Json> before;
    if (fs::exists(options_.out)) before = io::read_json(options_.out);
    const auto items =
        audit::choose_items(cases, files.cases.string(), options_.each, context.common.seed);
    context.print("Does this fail? \"" + io::string_at(mode, "title", file) +
                  "\"\ny it does, n it does not, ? cannot tell, q stop");
    const auto result = audit::review(
        items, io::string_at(mode, "id", file), io::string_at(mode, "predicate_sha256", file),
        io::sha256(cases), options_.judge, before,
        [&](const audit::ReviewItem& item, size_t number, size_t of) -> std::optional<audit::Said> {
          context.print(
              std::to_string(number) + " of " + std::to_string(of) + ": " +
              without_controls(item.audio) +
              (item.offset > 0 ? " from " + std::to_string(item.offset) + " s" : "") +
              "\n  heard: " + without_controls(item.text) +
              (item.reference.empty() ? "" : "\n  said:  " + without_controls(item.reference)));
          std::string line;
          while (std::getline(std::cin, line)) {
            line = trimmed(line);
            if (line == "y") return audit::Said::fails;
            if (line == "n") return audit::Said::passes;
            if (line == "?") return audit::Said::unsure;
            if (line == "q") break;
            context.print("y, n, ? or q");
          }
          return std::nullopt;
        });
    io::write_json(options_.out, result);
    context.print(options_.out + ": " + std::to_string(result.at("answers").size()) + " of " +
                  std::to_string(items.size()) + " judged");
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_audit() { return std::make_unique<Audit>(); }

}  // namespace otoscope::cli
