#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "audit/contexts_json.h"
#include "audit/measured.h"
#include "audit/provenance.h"
#include "audit/rate_json.h"
#include "otoscope/audit/cases.h"
#include "otoscope/audit/review.h"
#include "otoscope/audit/schema.h"
#include "otoscope/circuits/written.h"
#include "otoscope/core/text.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::OrderedJson;
using steer::Part;

constexpr int kWritten = 5;  // tokens that name a feature of the decoder

class Recording {
 public:
  explicit Recording(const Measured& measured) : m_(measured) {}

  OrderedJson record() const {
    const RateOptions rating{m_.options.seed, m_.options.replicates};
    OrderedJson record = head();
    record["failure_mode"] = mode_json();
    record["population"] = population();
    record["decoding"] = decoding();
    record["rate"] = rates(rating);
    const Groups groups = rates_by_group(m_.test, m_.judged, rating);
    record["groups"] = to_json(groups, m_.in.mode.group_wer_bound);
    record["features"] = features();
    record["search"] = m_.search_json;
    record["circuit"] = m_.circuit_json;
    record["predictive"] = m_.predictive_json;
    record["causal"] = m_.causal_json;
    record["contexts"] = contexts_json(m_.in.contexts);
    record["multiplicity"] = multiplicity(groups);
    record["multiverse"] = m_.multiverse;
    record["not_tested"] = not_tested();
    record["limits"] = limits();
    record["reproducibility"] = reproducibility();
    return record;
  }

  std::string cases() const {
    std::string lines;
    std::map<std::filesystem::path, std::string> hashes;
    for (const int64_t i : m_.g.places(Part::test)) {
      const auto at = static_cast<size_t>(i);
      OrderedJson one = to_json(m_.g.cases[at]);
      one["cluster"] = m_.g.cases[at].cluster;
      one["answer"] = answer_name(m_.g.judgements[at].answer);
      one["audio"] = std::filesystem::proximate(m_.g.windows[at].clip.path,
                                                std::filesystem::absolute(m_.in.folder))
                         .generic_string();
      one["offset"] = m_.g.windows[at].clip.offset_s;
      std::string& hash = hashes[m_.g.windows[at].clip.path];
      if (hash.empty()) hash = io::sha256_file(m_.g.windows[at].clip.path);
      one["audio_sha256"] = hash;
      lines += one.dump() + "\n";
    }
    return lines;
  }

 private:
  OrderedJson head() const {
    OrderedJson record{{"schema", "otoscope.audit"}, {"version", kRecordVersion}};
    record["claim_id"] =
        fmt::format("{}/{}/{}", m_.in.model_name, m_.in.mode.id, m_.in.data.sha256.substr(0, 12));
    Claim claim;
    claim.model = m_.in.model_name;
    claim.title = m_.in.mode.title;
    claim.data = m_.in.data_name;
    claim.decoding = decoding_text();
    claim.sufficient = m_.rate.insufficient.empty();
    claim.insufficient = m_.rate.insufficient;
    claim.fails = m_.rate.fails, claim.n = m_.rate.n, claim.errors = m_.rate.errors;
    claim.clusters = m_.rate.clusters;
    claim.cluster_unit = cluster_unit() + "s";
    claim.value = m_.rate.estimate.value, claim.low = m_.rate.estimate.low;
    claim.high = m_.rate.estimate.high;
    claim.wording = m_.wording;
    claim.features = features_text();
    claim.mechanism_note = note();
    record["text"] = sentence(claim);
    std::vector<Check> checks = m_.predictive.checks;
    checks.insert(checks.end(), m_.causal.checks.begin(), m_.causal.checks.end());
    record["verdict"] = {{"status", status_name(m_.wording)},
                         {"wording", wording_name(m_.wording)},
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

  /// What else the edit does: said wherever the second column passed.
  std::string cost() const {
    const OrderedJson& guard = m_.causal_json.at("guard");
    if (!guard.at("measured").get<bool>()) return "what that costs on speech was not measured";
    if (guard.at("shown").get<bool>()) return "";
    const OrderedJson& rise = guard.at("rise");
    if (!rise.at("low").is_number() || rise.at("low").get<double>() <= 0)
      return fmt::format("that it does not harm speech is not shown ({} words)",
                         guard.at("words").get<int64_t>());
    return fmt::format(
        "the same edit harms speech: {:.1f} points more word errors [{:.1f}, {:.1f}]",
        100 * rise.at("value").get<double>(), 100 * rise.at("low").get<double>(),
        100 * rise.at("high").get<double>());
  }

  std::string note() const {
    if (m_.wording == Wording::through) return cost();
    if (m_.wording == Wording::no_verdict) {
      const std::string& why_not = m_.predictive.why_not;
      return m_.rate.insufficient.empty() ? why_not : "";
    }
    if (m_.wording == Wording::associated)
      return "taking them away was not shown to change the rate";
    if (m_.wording == Wording::modulated) {
      const std::string costs = cost();
      return (m_.predictive.measured()
                  ? "they were not shown to foretell it"
                  : "whether they foretell it could not be measured: " + m_.predictive.why_not) +
             (costs.empty() ? "" : "; " + costs);
    }
    if (!m_.predictive.measured())
      return "whether features foretell it could not be measured: " + m_.predictive.why_not;
    return "";
  }

  std::string features_text() const {
    if (!m_.target.why_not.empty()) return "";
    return features_phrase(m_.target.set.features(),
                           model::site_name(m_.saes[m_.target.set.sae].site));
  }

  std::string cluster_unit() const {
    if (m_.test.empty() || !m_.test[0].speech) return "source";
    return store::clusters_by_speaker(m_.in.data.clips) ? "speaker" : "prompt";
  }

  OrderedJson mode_json() const {
    std::set<std::string> severities;
    for (const Rule& rule : m_.in.mode.rules) severities.emplace(severity_name(rule.severity));
    return {{"id", m_.in.mode.id},
            {"title", m_.in.mode.title},
            {"predicate", OrderedJson(io::parse_json(m_.in.mode.canonical, m_.in.mode.id))},
            {"predicate_sha256", m_.in.mode.hash},
            {"severities", severities},
            {"precision",
             m_.in.review
                 ? precision_json(io::parse_json(*m_.in.review, "--review"), m_.in.mode, m_.rate)
                 : OrderedJson{{"measured", false},
                               {"why", "no one has judged the predicate's answers"}}}};
  }

  OrderedJson population() const {
    std::set<std::string> speakers;
    double seconds = 0;
    int64_t words = 0;
    for (const Case& one : m_.test) {
      if (one.groups.contains("speaker")) speakers.insert(one.groups.at("speaker"));
      seconds += one.seconds;
      words += one.words;
    }
    OrderedJson json;
    std::vector<steer::SoundWindow> all = m_.g.windows;
    json["datasets"] =
        OrderedJson::array({dataset_json(m_.in.data, m_.in.data_name, "population", all)});
    if (m_.in.speech != nullptr && !m_.guard.empty())
      json["datasets"].push_back(dataset_json(*m_.in.speech, m_.in.speech_name, "guard", m_.guard));
    json["split"] = "test; the mechanism was chosen on train and dev, by cluster";
    json["n_items"] = m_.test.size();
    json["n_clusters"] = number_clusters(m_.test).count;
    json["cluster_unit"] = cluster_unit();
    json["n_speakers"] = speakers.size();
    json["hours"] = seconds / 3600;
    json["words"] = words;
    json["filters"] = {
        "at most one window (30 s)",
        m_.options.per_source > 0
            ? fmt::format("at most {} clips of one source of sound", m_.options.per_source)
            : std::string("all clips of a source of sound"),
        m_.options.limit > 0
            ? fmt::format("the first {} test clips by hash of their id", m_.options.limit)
            : std::string("all test clips")};
    json["excluded"] = OrderedJson::array();
    for (const Excluded& one : m_.g.excluded)
      json["excluded"].push_back({{"why", one.why}, {"n", one.n}});
    return json;
  }

  std::string language_text() const {
    return m_.g.detect ? "detected by the model"
                       : "given: its own on speech, " + m_.in.mode.language + " on sounds";
  }
  std::string decoding_text() const {
    return fmt::format("decoded greedily{}, language {}",
                       m_.options.tokens > 0
                           ? fmt::format(" (at most {} tokens)", m_.options.tokens)
                           : std::string(),
                       m_.g.detect                         ? "detected"
                       : m_.in.mode.speech.value_or(false) ? "given"
                                                           : "token " + m_.in.mode.language);
  }
  OrderedJson decoding() const {
    return {{"temperature", 0},
            {"beam", 0},
            {"fallback", false},
            {"timestamps", true},
            {"prompt", ""},
            {"language", language_text()},
            {"suppress", "the tokenizer's non-speech symbols"},
            {"padding", "waveform_zero"},
            {"max_tokens", m_.options.tokens},
            {"precision", m_.in.model.precision() == Precision::bf16 ? "bf16" : "f32"}};
  }

  OrderedJson rates(const RateOptions& rating) const {
    OrderedJson json{{"clips", to_json(m_.rate)}};
    double minutes = 0;
    std::map<std::string, int64_t> errors;
    for (size_t i = 0; i < m_.test.size(); ++i) {
      minutes += m_.test[i].seconds / 60;
      if (m_.judged[i].answer == Judgement::Answer::error) ++errors[m_.judged[i].why];
    }
    json["minutes"] = minutes;
    json["per_severity"] = OrderedJson::array();
    for (const SeverityRate& one : rates_by_severity(m_.test, m_.judged, rating))
      if (std::any_of(m_.in.mode.rules.begin(), m_.in.mode.rules.end(),
                      [&](const Rule& rule) { return rule.severity == one.severity; }))
        json["per_severity"].push_back(
            {{"severity", severity_name(one.severity)}, {"rate", to_json(one.rate)}});
    json["errors"] = OrderedJson::array();
    for (const auto& [text, n] : errors) json["errors"].push_back({{"why", text}, {"n", n}});
    std::vector<steer::SoundWindow> failing;
    std::vector<steer::Heard> heard;
    for (const int64_t i : m_.g.told(Part::test))
      if (m_.g.fails(i) != 0) {
        failing.push_back(m_.g.windows[static_cast<size_t>(i)]);
        heard.push_back(m_.g.all.heard[static_cast<size_t>(i)]);
      }
    json["frequent_texts"] = OrderedJson::array();
    for (const steer::TextCount& one : steer::frequent_texts(failing, heard, 10))
      json["frequent_texts"].push_back(
          {{"text", one.text}, {"windows", one.windows}, {"sources", one.sources}});
    return json;
  }

  OrderedJson features() const {
    OrderedJson list = OrderedJson::array();
    if (!m_.target.why_not.empty()) return list;
    const FeatureSet& set = m_.target.set;
    for (size_t j = 0; j < set.features().size(); ++j) {
      list.push_back({{"site", model::site_name(m_.saes[set.sae].site)},
                      {"sae_sha256", m_.saes[set.sae].sae->hash},
                      {"index", set.features()[j]}});
      if (const model::Site site = m_.saes[set.sae].site; site.stack == model::Stack::decoder) {
        const View<const float> W_dec = m_.saes[set.sae].sae->W_dec.view();
        const std::span direction(W_dec.row(set.features()[j]),
                                  static_cast<size_t>(W_dec.shape[1]));
        list.back()["label"] = circuits::written_name(
            m_.in.tokenizer, circuits::written_by(m_.in.model, direction,
                                                  m_.in.tokenizer.special().eot + 1, kWritten));
        list.back()["label_evidence"] =
            "the text tokens that its direction raises most by itself, through the frozen last "
            "norm";
      }
      if (m_.predictive.measured()) {
        list.back()["role"] =
            m_.search.tried[m_.search.chosen].from + " on train, and was chosen on dev";
        list.back()["pool"] = steer::pool_name(set.pool);
        list.back()["weight"] = set.detector.model.weights[j];
      } else {
        list.back()["role"] = "holds up what the circuit is asked";
      }
    }
    return list;
  }

  OrderedJson multiplicity(const Groups& groups) const {
    OrderedJson list = OrderedJson::array();
    list.push_back({{"family", "groups against the rest"},
                    {"tests", groups.tests},
                    {"correction", "Benjamini-Hochberg, q .05"}});
    list.push_back({{"family", "the mechanism: one set, one claim"},
                    {"tests", m_.predictive.checks.size() + m_.causal.checks.size()},
                    {"correction", "none: all tests of a column must pass"}});
    list.push_back({{"family", "the circuit: bound to no word of the claim"},
                    {"tests", m_.circuit.checks.size()},
                    {"correction", "none"}});
    return list;
  }

  size_t sites() const {
    std::set<std::string> names;
    for (const steer::SiteSae& one : m_.saes) names.insert(model::site_name(one.site));
    return names.size();
  }

  OrderedJson not_tested() const {
    OrderedJson list = OrderedJson::array();
    for (const char* one :
         {"other decoding: beam search, temperature fallback, previous text, long recordings",
          "clips over one window", "other models and other versions of this one",
          "whether this data is like what the model will meet"})
      list.push_back(one);
    if (!m_.predictive.measured()) list.push_back("the mechanism: " + m_.predictive.why_not);
    if (m_.in.speech == nullptr || m_.guard.empty())
      list.push_back("what taking the features away costs on speech");
    if (!m_.in.review) list.push_back("whether people agree with the predicate");
    if (!m_.circuit.measured())
      list.push_back("a circuit: " +
                     (m_.circuit.why_not.empty() ? "none was looked for" : m_.circuit.why_not));
    list.push_back("an exact graph from sound to token (`otoscope trace` makes one of one clip)");
    if (!m_.in.contexts) list.push_back("whether test can be told from deployment");
    return list;
  }

  OrderedJson limits() const {
    OrderedJson list = OrderedJson::array();
    list.push_back("the failure is what the predicate says, no more");
    list.push_back("clusters are resampled; anything that clusters share is not in the intervals");
    if (!m_.test.empty() && m_.test[0].speech && cluster_unit() == "prompt")
      list.push_back("fewer than 10 speakers: the same voices are in train and test");
    if (m_.predictive.measured()) {
      list.push_back(
          "no true SNR is known: the level over a clip's own noise floor stands for it, beside "
          "level and length");
      if (m_.in.saes.size() == sites())
        list.push_back("the SAE's features only; another seed of it was not tried");
    }
    if (m_.circuit.measured())
      list.push_back("the circuit is that of a number of one forward, which is not the failure");
    if (m_.options.limit > 0)
      list.push_back("a part of the test clips (--limit), chosen by hash of their id");
    return list;
  }

  static OrderedJson reproducibility() {
    return OrderedJson::array(
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

  const Measured& m_;
};

}  // namespace

OrderedJson record_json(const Measured& measured) { return Recording(measured).record(); }

std::string cases_text(const Measured& measured) { return Recording(measured).cases(); }

}  // namespace otoscope::audit
