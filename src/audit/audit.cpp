#include "otoscope/audit/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "audit/causal.h"
#include "audit/circuit.h"
#include "audit/contexts_json.h"
#include "audit/multiverse.h"
#include "audit/predictive.h"
#include "audit/provenance.h"
#include "audit/rate_json.h"
#include "otoscope/audit/review.h"
#include "otoscope/audit/schema.h"
#include "otoscope/audit/wording.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using Json = nlohmann::ordered_json;
using steer::Part;

class Auditing {
 public:
  Auditing(const AuditInputs& inputs, const AuditOptions& options, std::filesystem::path cache,
           Progress& progress)
      : in_(inputs), options_(options), cache_(std::move(cache)), progress_(progress) {
    for (const sae::Sae* sae : in_.saes) saes_.push_back({site_of(*sae), sae});
    judging_.allow_programs = options.allow_programs;
    gathering_.per_source = options.per_source;
    gathering_.choosing = options.choosing;
    gathering_.limit = options.limit;
    gathering_.limit_choosing = options.limit_choosing;
    gathering_.choose = mechanism();
    gathering_.hear.sample_len = options.tokens;
    gathering_.hear.batch = options.batch;
  }

  AuditResult run() {
    const auto begin = std::chrono::steady_clock::now();
    RunTime time{now_utc(), 0};
    g_ = gather(in_.model, in_.tokenizer, in_.data, in_.mode, saes_, gathering_, judging_, cache_,
                progress_);
    for (const int64_t i : g_.places(Part::test)) {
      test_.push_back(g_.cases[static_cast<size_t>(i)]);
      judged_.push_back(g_.judgements[static_cast<size_t>(i)]);
    }
    const RateOptions rating{options_.seed, options_.replicates};
    rate_ = rate_of(test_, judged_, rating);
    find_mechanism();
    Json record = head();
    record["failure_mode"] = mode_json();
    record["population"] = population();
    record["decoding"] = decoding();
    record["rate"] = rates(rating);
    const Groups groups = rates_by_group(test_, judged_, rating);
    record["groups"] = to_json(groups, in_.mode.group_wer_bound);
    record["features"] = features();
    record["circuit"] = circuit_json_;
    record["predictive"] = predictive_json_;
    record["causal"] = causal_json_;
    record["contexts"] = contexts_json(in_.contexts);
    record["multiplicity"] = multiplicity(groups);
    record["multiverse"] = multiverse_;
    record["not_tested"] = not_tested();
    record["limits"] = limits();
    record["reproducibility"] = reproducibility();
    time.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    record["provenance"] = provenance_json(in_, options_, time);
    const auto problems = record_schema().problems(io::Json(record));
    if (!problems.empty())
      throw std::logic_error("a record does not fit its own schema: " + join(problems, "; "));
    return {record.dump(1) + "\n", cases()};
  }

 private:
  bool mechanism() const { return !in_.saes.empty() && !options_.rate_only; }

  model::Site site_of(const sae::Sae& sae) const {
    if (!sae.model_hash.empty() && sae.model_hash != in_.model.hash())
      throw UserError(sae.folder.string(), "was trained on activations of another model",
                      "features of another model are other features");
    const model::Site site = model::find_site(in_.model.dims(), sae.site);
    if (site.stack != model::Stack::encoder || !model::can_resume_at(site))
      throw UserError(sae.folder.string(),
                      "expected an SAE of the encoder's residual stream, got " + sae.site);
    return site;
  }

  void find_mechanism() {
    const auto none = [](const std::string& why) {
      return Json{{"measured", false}, {"why", why}};
    };
    if (!mechanism() || !rate_.insufficient.empty()) {
      const std::string why = !rate_.insufficient.empty() ? "the rate itself: " + rate_.insufficient
                              : in_.saes.empty()          ? "no SAE was given"
                                                          : "not asked for (--rate-only)";
      predictive_.why_not = causal_.why_not = why;
      predictive_json_ = causal_json_ = circuit_json_ = multiverse_ = none(why);
      target_.why_not = why;
      wording_ = wording_of(rate_.insufficient.empty(), Column::not_measured, Column::not_measured);
      return;
    }
    PredictiveOptions predicting;
    predicting.most_features = static_cast<size_t>(options_.most_features);
    predicting.random_sets = static_cast<size_t>(options_.controls);
    predicting.seed = options_.seed;
    predictive_ = predict(g_, saes_, predicting, progress_);
    predictive_json_ = predictive_.json;
    steer::HearOptions hear = gathering_.hear;
    hear.language = g_.detect ? "" : in_.mode.language;
    const Laboratory lab{in_.model, in_.tokenizer, saes_, hear, cache_, progress_};
    const CircuitOptions circling{options_.circuit, options_.circuit_steps, options_.circuit_draws,
                                  options_.seed};
    circuit_ =
        find_circuit(g_, in_.mode, lab, predictive_.measured() ? predictive_.set.sae : 0, circling);
    circuit_json_ = circuit_.json;
    choose_target();
    CausalOptions causing;
    causing.controls = options_.controls;
    causing.guard_limit = options_.guard_limit;
    causing.judging = judging_;
    causing.seed = options_.seed;
    causing.replicates = options_.replicates;
    causal_ = intervene(g_, in_.mode, target_, lab, guard(), in_.speech_name, causing);
    causal_json_ = causal_.json;
    const auto column = [](bool measured, bool passed) {
      return !measured ? Column::not_measured : passed ? Column::passed : Column::failed;
    };
    wording_ = wording_of(true, column(predictive_.measured(), predictive_.passed()),
                          column(causal_.measured(), causal_.passed()));
    multiverse_ =
        multiverse(g_, in_.mode, predictive_, causal_, wording_, lab, causing, predicting);
  }

  /// Said before anything is taken away on test: the set that foretells, else the circuit.
  void choose_target() {
    if (predictive_.measured()) {
      target_ = {"", "the features that foretell it", predictive_.set, predictive_.like};
    } else if (circuit_.measured()) {
      FeatureSet set;
      set.sae = circuit_.sae;
      set.detector.features = circuit_.features;
      target_ = {"", "the circuit's features", set,
                 like_sets(g_.all, set, static_cast<size_t>(options_.controls))};
    } else {
      target_.why_not = "no features were chosen: " + predictive_.why_not + "; " + circuit_.why_not;
    }
  }

  std::vector<steer::SoundWindow> guard() {
    if (in_.speech == nullptr || options_.guard == 0 || !target_.why_not.empty()) return {};
    std::vector<steer::SoundWindow> clips;
    for (steer::SoundWindow& window : steer::choose_speech(
             *in_.speech, in_.tokenizer, in_.model.dims(), options_.choosing, 1, options_.guard))
      if (window.part == Part::test) clips.push_back(std::move(window));
    guard_ = clips;
    return clips;
  }

  Json head() const {
    Json record{{"schema", "otoscope.audit"}, {"version", 1}};
    record["claim_id"] =
        fmt::format("{}/{}/{}", in_.model_name, in_.mode.id, in_.data.sha256.substr(0, 12));
    Claim claim;
    claim.model = in_.model_name;
    claim.title = in_.mode.title;
    claim.data = in_.data_name;
    claim.decoding = decoding_text();
    claim.sufficient = rate_.insufficient.empty();
    claim.insufficient = rate_.insufficient;
    claim.fails = rate_.fails, claim.n = rate_.n, claim.errors = rate_.errors;
    claim.clusters = rate_.clusters;
    claim.cluster_unit = cluster_unit() + "s";
    claim.value = rate_.estimate.value, claim.low = rate_.estimate.low;
    claim.high = rate_.estimate.high;
    claim.wording = wording_;
    claim.features = features_text();
    claim.mechanism_note = note();
    record["text"] = sentence(claim);
    std::vector<Check> checks = predictive_.checks;
    checks.insert(checks.end(), causal_.checks.begin(), causal_.checks.end());
    record["verdict"] = {{"status", status_name(wording_)},
                         {"wording", wording_name(wording_)},
                         {"why", why(checks)},
                         {"tests", to_json(checks)}};
    return record;
  }

  static std::string why(const std::vector<Check>& checks) {
    std::vector<std::string> failed;
    for (const Check& check : checks)
      if (!check.passed) failed.push_back(check.name + " (" + check.says + ")");
    if (checks.empty()) return "no mechanism was measured";
    return failed.empty() ? "every test passed" : "did not pass: " + join(failed, "; ");
  }

  std::string note() const {
    if (wording_ == Wording::no_verdict || wording_ == Wording::through) {
      const std::string& why_not = predictive_.why_not;
      return wording_ == Wording::no_verdict && rate_.insufficient.empty() ? why_not : "";
    }
    if (wording_ == Wording::associated) return "taking them away was not shown to change the rate";
    if (wording_ == Wording::modulated)
      return predictive_.measured()
                 ? "they were not shown to foretell it"
                 : "whether they foretell it could not be measured: " + predictive_.why_not;
    return "";
  }

  std::string features_text() const {
    if (!target_.why_not.empty()) return "";
    constexpr size_t kNamed = 8;
    const std::vector<int32_t>& all = target_.set.features();
    const std::string site = model::site_name(saes_[target_.set.sae].site);
    if (all.size() > kNamed) return fmt::format("a circuit of {} features of {}", all.size(), site);
    std::vector<std::string> names;
    for (const int32_t j : all) names.push_back(std::to_string(j));
    return fmt::format("feature{} {} of {}", names.size() == 1 ? "" : "s", join(names), site);
  }

  std::string cluster_unit() const {
    if (test_.empty() || !test_[0].speech) return "source";
    return store::clusters_by_speaker(in_.data.clips) ? "speaker" : "prompt";
  }

  Json mode_json() const {
    std::set<std::string> severities;
    for (const Rule& rule : in_.mode.rules) severities.emplace(severity_name(rule.severity));
    return {{"id", in_.mode.id},
            {"title", in_.mode.title},
            {"predicate", Json(io::parse_json(in_.mode.canonical, in_.mode.id))},
            {"predicate_sha256", in_.mode.hash},
            {"severities", severities},
            {"precision",
             in_.review ? precision_json(io::parse_json(*in_.review, "--review"), in_.mode, rate_)
                        : Json{{"measured", false},
                               {"why", "no one has judged the predicate's answers"}}}};
  }

  Json population() const {
    std::set<std::string> speakers;
    double seconds = 0;
    int64_t words = 0;
    for (const Case& one : test_) {
      if (one.groups.contains("speaker")) speakers.insert(one.groups.at("speaker"));
      seconds += one.seconds;
      words += one.words;
    }
    Json json;
    std::vector<steer::SoundWindow> all = g_.windows;
    json["datasets"] = Json::array({dataset_json(in_.data, in_.data_name, "population", all)});
    if (in_.speech != nullptr && !guard_.empty())
      json["datasets"].push_back(dataset_json(*in_.speech, in_.speech_name, "guard", guard_));
    json["split"] = "test; the mechanism was chosen on train and dev, by cluster";
    json["n_items"] = test_.size();
    json["n_clusters"] = number_clusters(test_).count;
    json["cluster_unit"] = cluster_unit();
    json["n_speakers"] = speakers.size();
    json["hours"] = seconds / 3600;
    json["words"] = words;
    json["filters"] = {
        "at most one window (30 s)",
        options_.per_source > 0
            ? fmt::format("at most {} clips of one source of sound", options_.per_source)
            : std::string("all clips of a source of sound"),
        options_.limit > 0
            ? fmt::format("the first {} test clips by hash of their id", options_.limit)
            : std::string("all test clips")};
    json["excluded"] = Json::array();
    for (const Excluded& one : g_.excluded)
      json["excluded"].push_back({{"why", one.why}, {"n", one.n}});
    return json;
  }

  std::string language_text() const {
    return g_.detect ? "detected by the model"
                     : "given: its own on speech, " + in_.mode.language + " on sounds";
  }
  std::string decoding_text() const {
    return fmt::format(
        "decoded greedily{}, language {}",
        options_.tokens > 0 ? fmt::format(" (at most {} tokens)", options_.tokens) : std::string(),
        g_.detect                         ? "detected"
        : in_.mode.speech.value_or(false) ? "given"
                                          : "token " + in_.mode.language);
  }
  Json decoding() const {
    return {{"temperature", 0},
            {"beam", 0},
            {"fallback", false},
            {"timestamps", true},
            {"prompt", ""},
            {"language", language_text()},
            {"suppress", "the tokenizer's non-speech symbols"},
            {"padding", "waveform_zero"},
            {"max_tokens", options_.tokens},
            {"precision", in_.model.precision() == Precision::bf16 ? "bf16" : "f32"}};
  }

  Json rates(const RateOptions& rating) const {
    Json json{{"clips", to_json(rate_)}};
    double minutes = 0;
    std::map<std::string, int64_t> errors;
    for (size_t i = 0; i < test_.size(); ++i) {
      minutes += test_[i].seconds / 60;
      if (judged_[i].answer == Judgement::Answer::error) ++errors[judged_[i].why];
    }
    json["minutes"] = minutes;
    json["per_severity"] = Json::array();
    for (const SeverityRate& one : rates_by_severity(test_, judged_, rating))
      json["per_severity"].push_back(
          {{"severity", severity_name(one.severity)}, {"rate", to_json(one.rate)}});
    json["errors"] = Json::array();
    for (const auto& [text, n] : errors) json["errors"].push_back({{"why", text}, {"n", n}});
    std::vector<steer::SoundWindow> failing;
    std::vector<steer::Heard> heard;
    for (const int64_t i : g_.told(Part::test))
      if (g_.fails(i) != 0) {
        failing.push_back(g_.windows[static_cast<size_t>(i)]);
        heard.push_back(g_.all.heard[static_cast<size_t>(i)]);
      }
    json["frequent_texts"] = Json::array();
    for (const steer::TextCount& one : steer::frequent_texts(failing, heard, 10))
      json["frequent_texts"].push_back(
          {{"text", one.text}, {"windows", one.windows}, {"sources", one.sources}});
    return json;
  }

  Json features() const {
    Json list = Json::array();
    if (!target_.why_not.empty()) return list;
    const FeatureSet& set = target_.set;
    for (size_t j = 0; j < set.features().size(); ++j) {
      list.push_back({{"site", model::site_name(saes_[set.sae].site)},
                      {"sae_sha256", saes_[set.sae].sae->hash},
                      {"index", set.features()[j]}});
      if (predictive_.measured()) {
        list.back()["role"] = "foretells the failure on train and dev";
        list.back()["pool"] = steer::pool_name(set.pool);
        list.back()["weight"] = set.detector.model.weights[j];
      } else {
        list.back()["role"] = "moves what the circuit is asked, on dev";
      }
    }
    return list;
  }

  Json multiplicity(const Groups& groups) const {
    Json list = Json::array();
    list.push_back({{"family", "groups against the rest"},
                    {"tests", groups.tests},
                    {"correction", "Benjamini-Hochberg, q .05"}});
    list.push_back({{"family", "the mechanism: one set, one claim"},
                    {"tests", predictive_.checks.size() + causal_.checks.size()},
                    {"correction", "none: all tests of a column must pass"}});
    list.push_back({{"family", "the circuit: bound to no word of the claim"},
                    {"tests", circuit_.checks.size()},
                    {"correction", "none"}});
    return list;
  }

  Json not_tested() const {
    Json list = Json::array();
    for (const char* one :
         {"other decoding: beam search, temperature fallback, previous text, long recordings",
          "clips over one window", "other models and other versions of this one",
          "whether this data is like what the model will meet"})
      list.push_back(one);
    if (!predictive_.measured()) list.push_back("the mechanism: " + predictive_.why_not);
    if (in_.speech == nullptr || guard_.empty())
      list.push_back("what taking the features away costs on speech");
    if (!in_.review) list.push_back("whether people agree with the predicate");
    if (!circuit_.measured())
      list.push_back("a circuit: " +
                     (circuit_.why_not.empty() ? "none was looked for" : circuit_.why_not));
    list.push_back("an exact graph from sound to token (`otoscope trace` makes one of one clip)");
    if (!in_.contexts) list.push_back("whether test can be told from deployment");
    return list;
  }

  Json limits() const {
    Json list = Json::array();
    list.push_back("the failure is what the predicate says, no more");
    list.push_back("clusters are resampled; anything that clusters share is not in the intervals");
    if (!test_.empty() && test_[0].speech && cluster_unit() == "prompt")
      list.push_back("fewer than 10 speakers: the same voices are in train and test");
    if (predictive_.measured()) {
      list.push_back("no SNR is known of the clips: level and length stand for the nuisances");
      list.push_back("the SAE's features only; another SAE has others");
    }
    if (circuit_.measured())
      list.push_back("the circuit is that of a number of one forward, which is not the failure");
    if (options_.limit > 0)
      list.push_back("a part of the test clips (--limit), chosen by hash of their id");
    return list;
  }

  static Json reproducibility() {
    return Json::array(
        {{{"what", "every number, on the same program, instruction set and thread count"},
          {"level", "bit-equal"}},
         {{"what", "rates and scores on another machine"},
          {"level", "tolerance"},
          {"note",
           "sums in another order may turn a token that was a near tie; audit verify "
           "--rerun compares within the intervals"}},
         {{"what", "the whole audit, from the hashes and options in provenance"},
          {"level", "re-runnable"}}});
  }

  std::string cases() const {
    std::string lines;
    for (const int64_t i : g_.places(Part::test)) {
      const auto at = static_cast<size_t>(i);
      Json one = to_json(g_.cases[at]);
      one["cluster"] = g_.cases[at].cluster;
      one["answer"] = g_.judgements[at].answer == Judgement::Answer::fails    ? "fails"
                      : g_.judgements[at].answer == Judgement::Answer::passes ? "passes"
                                                                              : "error";
      one["audio"] = std::filesystem::proximate(g_.windows[at].clip.path,
                                                std::filesystem::absolute(in_.folder))
                         .generic_string();
      one["offset"] = g_.windows[at].clip.offset_s;
      lines += one.dump() + "\n";
    }
    return lines;
  }

  const AuditInputs& in_;
  const AuditOptions& options_;
  std::filesystem::path cache_;
  Progress& progress_;
  std::vector<steer::SiteSae> saes_;
  JudgeOptions judging_;
  GatherOptions gathering_;
  Gathered g_;
  std::vector<Case> test_;
  std::vector<Judgement> judged_;
  Rate rate_;
  Predictive predictive_;
  Causal causal_;
  Wording wording_ = Wording::no_verdict;
  std::vector<steer::SoundWindow> guard_;
  Circuit circuit_;
  Target target_;
  Json predictive_json_, causal_json_, circuit_json_, multiverse_;
};

}  // namespace

AuditResult audit(const AuditInputs& inputs, const AuditOptions& options,
                  const std::filesystem::path& cache, Progress& progress) {
  return Auditing(inputs, options, cache, progress).run();
}

}  // namespace otoscope::audit
