#include "otoscope/audit/audit.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "audit/measured.h"
#include "audit/multiverse.h"
#include "audit/provenance.h"
#include "otoscope/audit/schema.h"
#include "otoscope/audit/wording.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using Json = nlohmann::ordered_json;
using steer::Part;

class Auditing {
 public:
  Auditing(const AuditInputs& inputs, const AuditOptions& options, std::filesystem::path cache,
           Progress& progress)
      : cache_(std::move(cache)), progress_(progress), m_(inputs, options) {
    for (const sae::Sae* sae : m_.in.saes) m_.saes.push_back({site_of(*sae), sae});
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
    m_.g = gather(m_.in.model, m_.in.tokenizer, m_.in.data, m_.in.mode, m_.saes, gathering_,
                  judging_, cache_, progress_);
    for (const int64_t i : m_.g.places(Part::test)) {
      m_.test.push_back(m_.g.cases[static_cast<size_t>(i)]);
      m_.judged.push_back(m_.g.judgements[static_cast<size_t>(i)]);
    }
    m_.rate = rate_of(m_.test, m_.judged, {m_.options.seed, m_.options.replicates});
    find_mechanism();
    Json record = record_json(m_);
    time.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    record["provenance"] = provenance_json(m_.in, m_.options, time);
    const auto problems = record_schema().problems(io::Json(record));
    if (!problems.empty())
      throw std::logic_error("a record does not fit its own schema: " + join(problems, "; "));
    return {record.dump(1) + "\n", cases_text(m_)};
  }

 private:
  bool mechanism() const { return !m_.in.saes.empty() && !m_.options.rate_only; }

  model::Site site_of(const sae::Sae& sae) const {
    if (!sae.model_hash.empty() && sae.model_hash != m_.in.model.hash())
      throw UserError(sae.folder.string(), "was trained on activations of another model",
                      "features of another model are other features");
    const model::Site site = model::find_site(m_.in.model.dims(), sae.site);
    if (site.stack != model::Stack::encoder || !model::can_resume_at(site))
      throw UserError(sae.folder.string(),
                      "expected an SAE of the encoder's residual stream, got " + sae.site);
    return site;
  }

  void find_mechanism() {
    const auto none = [](const std::string& why) {
      return Json{{"measured", false}, {"why", why}};
    };
    if (!mechanism() || !m_.rate.insufficient.empty()) {
      const std::string why = !m_.rate.insufficient.empty()
                                  ? "the rate itself: " + m_.rate.insufficient
                              : m_.in.saes.empty() ? "no SAE was given"
                                                   : "not asked for (--rate-only)";
      m_.predictive.why_not = m_.causal.why_not = why;
      m_.predictive_json = m_.causal_json = m_.circuit_json = m_.multiverse = none(why);
      m_.target.why_not = why;
      m_.wording =
          wording_of(m_.rate.insufficient.empty(), Column::not_measured, Column::not_measured);
      return;
    }
    PredictiveOptions predicting;
    predicting.most_features = static_cast<size_t>(m_.options.most_features);
    predicting.random_sets = static_cast<size_t>(m_.options.controls);
    predicting.seed = m_.options.seed;
    m_.predictive = predict(m_.g, m_.saes, predicting, progress_);
    m_.predictive_json = m_.predictive.json;
    steer::HearOptions hear = gathering_.hear;
    hear.language = m_.g.detect ? "" : m_.in.mode.language;
    const Laboratory lab{m_.in.model, m_.in.tokenizer, m_.saes, hear, cache_, progress_};
    const CircuitOptions circling{m_.options.circuit, m_.options.circuit_steps,
                                  m_.options.circuit_draws, m_.options.seed,
                                  m_.options.circuit_reference == "mean"};
    m_.circuit = find_circuit(m_.g, m_.in.mode, lab,
                              m_.predictive.measured() ? m_.predictive.set.sae : 0, circling);
    m_.circuit_json = m_.circuit.json;
    choose_target();
    CausalOptions causing;
    causing.controls = m_.options.controls;
    causing.guard_limit = m_.options.guard_limit;
    causing.judging = judging_;
    causing.seed = m_.options.seed;
    causing.replicates = m_.options.replicates;
    m_.causal = intervene(m_.g, m_.in.mode, m_.target, lab, guard(), m_.in.speech_name, causing);
    m_.causal_json = m_.causal.json;
    const auto column = [](bool measured, bool passed) {
      return !measured ? Column::not_measured : passed ? Column::passed : Column::failed;
    };
    m_.wording = wording_of(true, column(m_.predictive.measured(), m_.predictive.passed()),
                            column(m_.causal.measured(), m_.causal.passed()));
    m_.multiverse = multiverse(m_.g, m_.in.mode, m_.predictive, m_.causal, m_.wording, lab, causing,
                               predicting);
  }

  /// Said before anything is taken away on test: the set that foretells, else the circuit.
  void choose_target() {
    if (m_.predictive.measured()) {
      m_.target = {"", "the features that foretell it", m_.predictive.set, m_.predictive.like};
    } else if (m_.circuit.measured()) {
      FeatureSet set;
      set.sae = m_.circuit.sae;
      set.detector.features = m_.circuit.features;
      m_.target = {"", "the circuit's features", set,
                   like_sets(m_.g.all, set, static_cast<size_t>(m_.options.controls))};
    } else {
      m_.target.why_not =
          "no features were chosen: " + m_.predictive.why_not + "; " + m_.circuit.why_not;
    }
  }

  std::vector<steer::SoundWindow> guard() {
    if (m_.in.speech == nullptr || m_.options.guard == 0 || !m_.target.why_not.empty()) return {};
    std::vector<steer::SoundWindow> clips;
    for (steer::SoundWindow& window :
         steer::choose_speech(*m_.in.speech, m_.in.tokenizer, m_.in.model.dims(),
                              m_.options.choosing, 1, m_.options.guard))
      if (window.part == Part::test) clips.push_back(std::move(window));
    m_.guard = clips;
    return clips;
  }

  std::filesystem::path cache_;
  Progress& progress_;
  JudgeOptions judging_;
  GatherOptions gathering_;
  Measured m_;
};

}  // namespace

AuditResult audit(const AuditInputs& inputs, const AuditOptions& options,
                  const std::filesystem::path& cache, Progress& progress) {
  return Auditing(inputs, options, cache, progress).run();
}

}  // namespace otoscope::audit
