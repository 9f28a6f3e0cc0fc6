#include "otoscope/audit/verify.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/audit/cases.h"
#include "otoscope/audit/envelope.h"
#include "otoscope/audit/mode.h"
#include "otoscope/audit/schema.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/model/registry.h"
#include "otoscope/store/corpora.h"
#include "otoscope/store/manifest.h"

namespace otoscope::audit {
namespace {

namespace fs = std::filesystem;
using io::Json;
using io::OrderedJson;

constexpr int64_t kMostBytes = int64_t{256} << 20;
constexpr double kSame = 1e-9;
constexpr double kMostCases = 0x1p53;  // every count up to here is a number of its own

class Verifying {
 public:
  Verifying(RecordFiles files, const PublicKey& key, const Whereabouts& where)
      : files_(std::move(files)), key_(key), where_(where) {}

  Verified run() {
    const std::string text = io::read_file(files_.envelope, kMostBytes);
    const std::string name = files_.envelope.string();
    Envelope envelope;
    if (!attempt("envelope", "one DSSE envelope", [&] { envelope = parse_envelope(text, name); }))
      return std::move(out_);
    add("signature", signed_by(envelope, key_), "Ed25519 by key " + key_.id().substr(0, 16),
        "no signature of this key over these bytes");
    // What no signature covers has one spelling: a changed byte shows there too.
    add("form", envelope_text(envelope) == text && envelope.signatures[0].keyid == key_.id(),
        "as otoscope writes it", "bytes outside what is signed were changed");
    add("type", envelope.payload_type == kPayloadType, envelope.payload_type,
        "expected " + std::string(kPayloadType) + ", got " + envelope.payload_type);
    Statement statement;
    Json payload;
    if (!attempt("statement", "in-toto Statement v1", [&] {
          payload = io::parse_json(envelope.payload, name);
          statement = parse_statement(payload, name);
          if (statement.predicate_type != kPredicateType)
            throw UserError(name, "expected the predicate " + std::string(kPredicateType) +
                                      ", got " + statement.predicate_type);
          record_ = io::member_at(payload, "predicate", name);
        }))
      return std::move(out_);
    out_.record = OrderedJson::parse(envelope.payload).at("predicate").dump();
    if (!check_schema()) return std::move(out_);
    check_subjects(statement.subjects);
    check_covered(statement.subjects);
    check_numbers(record_, "");
    add("numbers that follow from counts", wrong_.empty(),
        std::to_string(recomputed_) + " Wilson intervals computed again", join(wrong_, "; "));
    check_predicate();
    check_audio();
    return std::move(out_);
  }

 private:
  void add(const std::string& what, bool holds, const std::string& yes, const std::string& no) {
    out_.findings.push_back({what, holds, holds ? yes : no});
  }
  template <class Work>
  bool attempt(const std::string& what, const std::string& yes, const Work& work) {
    try {
      work();
      add(what, true, yes, "");
      return true;
    } catch (const UserError& error) {
      add(what, false, "", error.what());
      return false;
    }
  }

  bool check_schema() {
    const auto version = record_.is_object() ? record_.find("version") : record_.end();
    if (record_.is_object() && version != record_.end() && version->is_number_integer() &&
        version->get<int64_t>() > kRecordVersion) {
      add("schema", false, "",
          "version " + version->dump() +
              ": a newer otoscope wrote it, and this one cannot read it");
      return false;
    }
    const auto problems = record_problems(record_);
    add("schema", problems.empty(),
        "audit record, version " + (version == record_.end() ? "none" : version->dump()),
        join(problems, "; "));
    return problems.empty();
  }

  /// Where a subject lies now; empty where that cannot be told.
  fs::path place_of(const std::string& name) const {
    const Json& from = record_.at("provenance");
    const fs::path folder = files_.record.parent_path();
    const auto tail = [&](std::string_view prefix) { return name.substr(prefix.size()); };
    const auto command = [&](const char* key) {
      const Json& options = from.at("command");
      return options.contains(key) && options[key].is_string() ? options[key].get<std::string>()
                                                               : std::string();
    };
    if (name == files_.record.filename().string()) return files_.record;
    if (name == files_.cases.filename().string()) return files_.cases;
    if (name.starts_with("model/"))
      return io::inside(where_.model.empty()
                            ? model::resolve_model(from.at("model").at("name").get<std::string>())
                            : where_.model,
                        tail("model/"), name);
    if (name == "data/manifest.jsonl")
      return where_.data.empty() ? store::resolve_manifest(command("data")) : where_.data;
    if (name == "guard/manifest.jsonl")
      return where_.speech.empty() ? store::resolve_manifest(command("speech")) : where_.speech;
    if (name == "mode.json") return where_.mode.empty() ? fs::path(command("mode")) : where_.mode;
    for (size_t s = 0; s < from.at("saes").size(); ++s) {
      const std::string prefix = "sae-" + std::to_string(s) + "/";
      if (!name.starts_with(prefix)) continue;
      const Json& sae = from["saes"][s];
      const fs::path at = s < where_.saes.size()   ? where_.saes[s]
                          : sae.contains("folder") ? folder / sae["folder"].get<std::string>()
                                                   : fs::path();
      return at.empty() ? at : io::inside(at, tail(prefix), name);
    }
    return {};
  }

  void check_subjects(const std::vector<Subject>& subjects) {
    for (const Subject& subject : subjects) {
      try {
        const fs::path path = place_of(subject.name);
        if (path.empty()) {
          add(subject.name, false, "", "it is not known where this file lies");
          continue;
        }
        const bool same = io::sha256_file(path) == subject.sha256;
        add(subject.name, same, "as signed", "is not the file that was signed");
      } catch (const UserError& error) {
        add(subject.name, false, "", error.what());
      }
    }
  }

  /// The sound of every case, found by its id in the manifest as it is now. The cases are among the
  /// subjects, so that their hashes are signed.
  void check_audio() {
    std::map<std::string, fs::path> places;
    std::map<fs::path, std::string> hashes;
    std::vector<std::string> changed;
    attempt("audio", "every clip that was judged is as it was heard", [&] {
      for (const store::Clip& clip : store::read_manifest(place_of("data/manifest.jsonl")).clips)
        places[clip.id] = clip.path;
      for_each_case(io::read_file(files_.cases, kMostBytes), files_.cases.string() + ":",
                    [&](const Json& one, Judgement::Answer, const std::string& where) {
                      const std::string id = io::string_at(one, "id", where);
                      if (!places.contains(id))
                        throw UserError(where, "expected a clip of the manifest, got " + id);
                      std::string& hash = hashes[places[id]];
                      if (hash.empty()) hash = io::sha256_file(places[id]);
                      if (hash != io::string_at(one, "audio_sha256", where)) changed.push_back(id);
                    });
      if (!changed.empty())
        throw UserError(files_.cases.string(), "the sound of " + std::to_string(changed.size()) +
                                                   " clips was changed: " + changed[0]);
    });
  }

  /// A record that names a file it was not signed with would be trusted too far.
  void check_covered(const std::vector<Subject>& subjects) {
    std::set<std::pair<std::string, std::string>> covered;
    std::set<std::string> names;
    for (const Subject& subject : subjects) {
      covered.emplace(subject.name, subject.sha256);
      names.insert(subject.name);
    }
    std::vector<std::string> missing;
    // Their hashes stand in no record: that they are subjects is what signs them.
    for (const fs::path& path : {files_.record, files_.cases})
      if (!names.contains(path.filename().string())) missing.push_back(path.filename().string());
    const auto need = [&](const Json& file) {
      if (!covered.contains(
              {file.at("name").get<std::string>(), file.at("sha256").get<std::string>()}))
        missing.push_back(file["name"].get<std::string>());
    };
    const Json& from = record_.at("provenance");
    for (const Json& file : from.at("model").at("files")) need(file);
    for (const Json& sae : from.at("saes"))
      for (const Json& file : sae.at("files")) need(file);
    for (const Json& file : from.at("data")) need(file);
    if (from.at("mode").at("name") == "mode.json") need(from["mode"]);
    add("coverage", missing.empty(), "every file of the record is a subject",
        "not among the subjects, or with another hash: " + join(missing));
  }

  /// Every {"k", "n", "wilson"} again.
  void check_numbers(const Json& json, const std::string& at) {
    if (json.is_array())
      for (size_t i = 0; i < json.size(); ++i) check_numbers(json[i], at + "/" + std::to_string(i));
    if (!json.is_object()) return;
    for (const auto& [key, value] : json.items()) check_numbers(value, at + "/" + key);
    if (!json.contains("k") || !json.contains("n") || !json.contains("wilson")) return;
    const Json &failures = json["k"], &cases = json["n"], &said = json["wilson"];
    // What the schema leaves free (options, predicates) may look like a rate and be none.
    if (!failures.is_number() || !cases.is_number() || !said.is_object()) return;
    const auto some = failures.get<double>(), all = cases.get<double>();
    if (!(some >= 0) || !(some <= all) || !(all <= kMostCases)) {
      wrong_.push_back(at + ": not so many failures of so many cases");
      return;
    }
    const auto k = static_cast<int64_t>(some), n = static_cast<int64_t>(all);
    ++recomputed_;
    const Estimate again = wilson(k, n);
    const auto differs = [&](const char* key, double value) {
      const auto end = said.find(key);
      return end == said.end() || !end->is_number() ||
             !(std::abs(end->get<double>() - value) <= kSame);
    };
    if (differs("value", again.value) || differs("low", again.low) || differs("high", again.high))
      wrong_.push_back(at + ": the interval does not follow from the counts");
  }

  void check_predicate() {
    const Json& mode = record_.at("failure_mode");
    const std::string name = "predicate";
    attempt(name, "its hash follows from what the record says", [&] {
      const fs::path path = place_of("mode.json");
      const FailureMode again =
          parse_mode(mode.at("predicate").dump(), "failure_mode",
                     path.empty() ? fs::path() : fs::absolute(path).parent_path());
      if (again.hash != mode.at("predicate_sha256").get<std::string>())
        throw UserError("failure_mode", "its predicate has another hash than the record says",
                        again.runs_programs() ? "a program that judges may have changed" : "");
    });
  }

  RecordFiles files_;
  const PublicKey& key_;
  const Whereabouts& where_;
  Json record_;
  Verified out_;
  std::vector<std::string> wrong_;
  int64_t recomputed_ = 0;
};

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() > end.size() && std::string_view(text).ends_with(end);
}

constexpr std::string_view kEnvelopeEnd = ".intoto.jsonl";

}  // namespace

bool Verified::holds() const {
  return !findings.empty() &&
         std::all_of(findings.begin(), findings.end(), [](const Finding& f) { return f.holds; });
}

RecordFiles record_files(const fs::path& either) {
  std::string stem = either.string();
  if (ends_with(stem, kEnvelopeEnd))
    stem.resize(stem.size() - kEnvelopeEnd.size());
  else if (ends_with(stem, ".json"))
    stem.resize(stem.size() - 5);
  else
    throw UserError(either.string(), "expected NAME.json or NAME.intoto.jsonl");
  return {stem + ".json", stem + std::string(kEnvelopeEnd), stem + ".cases.jsonl"};
}

std::string seal_record(const OrderedJson& record, const std::string& record_text,
                        const std::string& cases_text, const RecordFiles& files,
                        const SecretKey& key) {
  std::vector<Subject> subjects{{files.record.filename().string(), io::sha256(record_text)},
                                {files.cases.filename().string(), io::sha256(cases_text)}};
  const auto add = [&](const OrderedJson& file) {
    subjects.push_back({file.at("name").get<std::string>(), file.at("sha256").get<std::string>()});
  };
  const OrderedJson& from = record.at("provenance");
  for (const OrderedJson& file : from.at("model").at("files")) add(file);
  for (const OrderedJson& sae : from.at("saes"))
    for (const OrderedJson& file : sae.at("files")) add(file);
  for (const OrderedJson& file : from.at("data")) add(file);
  if (from.at("mode").at("name") == "mode.json") add(from["mode"]);
  return envelope_text(seal(statement_text(subjects, record), kPayloadType, key));
}

Verified verify_record(const fs::path& either, const PublicKey& key, const Whereabouts& where) {
  RecordFiles files = record_files(either);
  if (!fs::exists(files.envelope))
    throw UserError(files.envelope.string(), "is not there, so nothing is signed",
                    "`otoscope audit --key NAME.key` signs a record when it is made");
  return Verifying(std::move(files), key, where).run();
}

}  // namespace otoscope::audit
