#include "otoscope/audit/audit.h"

#include <algorithm>
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

using io::OrderedJson;
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
    OrderedJson record = record_json(m_);
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
    if (site.stack == model::Stack::encoder ? !model::can_resume_at(site)
                                            : !model::is_row_site(site))
      throw UserError(sae.folder.string(),
                      "expected an SAE of the encoder's residual stream or of rows of the decoder, "
                      "got " +
                          sae.site);
    return site;
  }

  void find_mechanism() {
    const auto none = [](const std::string& why) {
      return OrderedJson{{"measured", false}, {"why", why}};
    };
    if (!mechanism() || !m_.rate.insufficient.empty()) {
      const std::string why = !m_.rate.insufficient.empty()
                                  ? "the rate itself: " + m_.rate.insufficient
                              : m_.in.saes.empty() ? "no SAE was given"
                                                   : "not asked for (--rate-only)";
      m_.predictive.why_not = m_.causal.why_not = why;
      m_.predictive_json = m_.search_json = m_.causal_json = m_.circuit_json = m_.multiverse =
          none(why);
      m_.target.why_not = why;
      m_.wording =
          wording_of(m_.rate.insufficient.empty(), Column::not_measured, Column::not_measured);
      return;
    }
    PredictiveOptions predicting;
    predicting.most_features = static_cast<size_t>(m_.options.most_features);
    predicting.random_sets = static_cast<size_t>(m_.options.controls);
    predicting.seed = m_.options.seed;
    CausalOptions causing;
    causing.controls = m_.options.controls;
    causing.guard_limit = m_.options.guard_limit;
    causing.judging = judging_;
    causing.seed = m_.options.seed;
    causing.replicates = m_.options.replicates;
    steer::HearOptions hear = gathering_.hear;
    hear.language = m_.g.detect ? "" : m_.in.mode.language;
    const Laboratory lab{m_.in.model, m_.in.tokenizer, m_.saes, hear, cache_, progress_};
    const CircuitOptions circling{m_.options.circuit, m_.options.circuit_steps,
                                  m_.options.circuit_draws, m_.options.seed,
                                  m_.options.circuit_reference == "mean"};
    const std::vector<std::vector<size_t>> seeds = seeds_of_sites();
    std::vector<size_t> others;
    for (size_t s = 0; s < m_.saes.size(); ++s)
      if (std::find(seeds[0].begin(), seeds[0].end(), s) == seeds[0].end()) others.push_back(s);
    m_.predictive = parts_of(m_.g);
    const std::vector<steer::SoundWindow> speech = speech_of(Part::dev, kSearchSpeech);
    m_.search = search_mechanism(m_.g, m_.in.mode, lab, m_.predictive, seeds[0], others, speech,
                                 {predicting.most_features, circling, causing});
    if (m_.predictive.measured() && !m_.search.measured()) {
      m_.predictive.why_not = m_.search.json.at("why").get<std::string>();
      m_.predictive.json = none(m_.predictive.why_not);
    }
    if (m_.predictive.measured())
      m_.predictive =
          predict(std::move(m_.predictive), m_.search.set(), m_.g, m_.saes, predicting, progress_);
    m_.predictive_json = m_.predictive.json;
    m_.search_json = m_.search.json;
    m_.circuit = find_circuit(m_.g, m_.in.mode, lab, m_.search.measured() ? m_.search.set().sae : 0,
                              circling);
    m_.circuit_json = m_.circuit.json;
    choose_target();
    m_.guard = m_.target.why_not.empty() ? speech_of(Part::test, m_.options.guard)
                                         : std::vector<steer::SoundWindow>();
    m_.causal = intervene(m_.g, m_.in.mode, m_.target, lab, m_.guard, m_.in.speech_name, causing);
    m_.causal_json = m_.causal.json;
    const auto column = [](bool measured, bool passed) {
      return !measured ? Column::not_measured : passed ? Column::passed : Column::failed;
    };
    m_.wording = wording_of(true, column(m_.predictive.measured(), m_.predictive.passed()),
                            column(m_.causal.measured(), m_.causal.passed()));
    m_.multiverse = multiverse(m_.g, m_.in.mode, m_.predictive, m_.search, m_.causal, m_.wording,
                               lab, seeds, causing, predicting);
  }

  /// Said before anything is taken away on test: what was found on train and dev, else the circuit.
  void choose_target() {
    if (m_.search.measured()) {
      const Candidate& one = m_.search.tried[m_.search.chosen];
      m_.target = {"", "the features of which dev says: " + one.from, one.set, {}};
    } else if (m_.circuit.measured()) {
      FeatureSet set;
      set.sae = m_.circuit.sae;
      set.detector.features = m_.circuit.features;
      m_.target = {"", "the circuit's features", set, {}};
    } else {
      m_.target.why_not =
          "no features were chosen: " + m_.predictive.why_not + "; " + m_.circuit.why_not;
      return;
    }
    m_.target.like =
        like_sets(m_.g.all, m_.target.set, 2 * static_cast<size_t>(m_.options.controls));
  }

  /// Places in `saes`: the first of each site, then its second, and so on; a site with fewer keeps
  /// its first.
  std::vector<std::vector<size_t>> seeds_of_sites() const {
    std::vector<std::vector<size_t>> by_site;
    for (size_t s = 0; s < m_.saes.size(); ++s) {
      const auto same = std::find_if(by_site.begin(), by_site.end(), [&](const auto& some) {
        return m_.saes[some[0]].site == m_.saes[s].site;
      });
      if (same == by_site.end())
        by_site.push_back({s});
      else
        same->push_back(s);
    }
    size_t most = 0;
    for (const auto& some : by_site) most = std::max(most, some.size());
    std::vector<std::vector<size_t>> seeds(most);
    for (size_t k = 0; k < most; ++k)
      for (const auto& some : by_site) seeds[k].push_back(some[k < some.size() ? k : 0]);
    return seeds;
  }

  std::vector<steer::SoundWindow> speech_of(Part part, int64_t limit) const {
    if (m_.in.speech == nullptr || limit == 0) return {};
    std::vector<steer::SoundWindow> clips;
    for (steer::SoundWindow& window : steer::choose_speech(
             *m_.in.speech, m_.in.tokenizer, m_.in.model.dims(), m_.options.choosing,
             part == Part::test ? 1 : limit, part == Part::test ? limit : 1))
      if (window.part == part) clips.push_back(std::move(window));
    return clips;
  }

  static constexpr int64_t kSearchSpeech = 24;  // clips of dev that sets should leave their text

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
