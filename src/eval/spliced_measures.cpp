#include <algorithm>

#include "otoscope/core/statistics.h"
#include "otoscope/eval/spliced.h"

namespace otoscope::eval {
namespace {

/// Sums of one quantity by cluster.
template <class Field>
std::vector<double> by_cluster(const std::vector<ClipScore>& scores, const ClipChoice& choice,
                               Field&& field) {
  std::vector<double> sums(static_cast<size_t>(choice.clusters), 0.0);
  for (size_t i = 0; i < scores.size(); ++i)
    sums[static_cast<size_t>(choice.clips[i].cluster)] += static_cast<double>(field(scores[i]));
  return sums;
}

std::vector<double> minus(std::vector<double> a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

double ce(const ClipScore& c) { return c.ce; }
double kl(const ClipScore& c) { return c.kl; }
double tokens(const ClipScore& c) { return static_cast<double>(c.tokens); }

class Measurer {
 public:
  Measurer(const SplicedRun& run, const ClipChoice& choice, const SplicedOptions& options)
      : run_(run), choice_(choice), options_(options) {}

  SplicedMeasures measure(const std::vector<ClipScore>& scores, bool decoded) const {
    SplicedMeasures m;
    const auto all_tokens = by_cluster(scores, choice_, tokens);
    int64_t n = 0;
    for (const ClipScore& c : scores) n += c.tokens;
    const auto per_token = [&](const std::vector<double>& sums) {
      return ratio(sums, all_tokens, n);
    };
    m.ce = per_token(by_cluster(scores, choice_, ce));
    m.ce_difference =
        per_token(minus(by_cluster(scores, choice_, ce), by_cluster(run_.clean, choice_, ce)));
    m.kl = per_token(by_cluster(scores, choice_, kl));
    m.agreement =
        per_token(by_cluster(scores, choice_, [](const ClipScore& c) { return c.agree; }));
    m.decoded = decoded;
    if (decoded) add_decoding(scores, m);
    return m;
  }

  /// The ablation of a site, if it was run.
  const std::vector<ClipScore>* ablation(const model::Site& site, System::Role role) const {
    for (const SystemScores& s : run_.systems)
      if (s.system.site == site && s.system.role == role) return &s.clips;
    return nullptr;
  }

  std::optional<Estimate> recovered(const std::vector<ClipScore>& scores,
                                    const std::vector<ClipScore>* ablated,
                                    double (*field)(const ClipScore&)) const {
    if (!ablated) return {};
    const auto worst = by_cluster(*ablated, choice_, field);
    int64_t n = 0;
    for (const ClipScore& c : scores) n += c.tokens;
    // KL of the clean model from itself is 0, so both scores are one formula.
    const auto best = field == kl ? std::vector<double>(worst.size(), 0.0)
                                  : by_cluster(run_.clean, choice_, field);
    return ratio(minus(worst, by_cluster(scores, choice_, field)), minus(worst, best), n);
  }

 private:
  Estimate ratio(const std::vector<double>& a, const std::vector<double>& b, int64_t n) const {
    return bootstrap_ratio(a, b, n, options_.seed, options_.replicates);
  }

  void add_decoding(const std::vector<ClipScore>& scores, SplicedMeasures& m) const {
    const auto sums = [&](const std::vector<ClipScore>& of, auto field) {
      return by_cluster(of, choice_, field);
    };
    const auto words = sums(scores, [](const ClipScore& c) { return c.words; });
    const auto characters = sums(scores, [](const ClipScore& c) { return c.characters; });
    const auto ones = sums(scores, [](const ClipScore&) { return 1; });
    int64_t n_words = 0, n_characters = 0;
    const auto n_clips = static_cast<int64_t>(scores.size());
    for (const ClipScore& c : scores) n_words += c.words, n_characters += c.characters;
    const auto word_errors = [](const ClipScore& c) { return c.word_errors; };
    const auto character_errors = [](const ClipScore& c) { return c.character_errors; };
    m.wer = ratio(sums(scores, word_errors), words, n_words);
    m.cer = ratio(sums(scores, character_errors), characters, n_characters);
    m.wer_difference =
        ratio(minus(sums(scores, word_errors), sums(run_.clean, word_errors)), words, n_words);
    m.cer_difference =
        ratio(minus(sums(scores, character_errors), sums(run_.clean, character_errors)), characters,
              n_characters);
    m.empty =
        ratio(sums(scores, [](const ClipScore& c) { return c.empty ? 1 : 0; }), ones, n_clips);
    m.looping =
        ratio(sums(scores, [](const ClipScore& c) { return c.looping ? 1 : 0; }), ones, n_clips);
    m.tokens = ratio(sums(scores, [](const ClipScore& c) { return c.length; }), ones, n_clips);
  }

  const SplicedRun& run_;
  const ClipChoice& choice_;
  const SplicedOptions& options_;
};

}  // namespace

SplicedMeasures clean_measures(const SplicedRun& run, const ClipChoice& choice,
                               const SplicedOptions& options) {
  return Measurer(run, choice, options).measure(run.clean, true);
}

SplicedMeasures measures_of(const SplicedRun& run, size_t system, const ClipChoice& choice,
                            const SplicedOptions& options) {
  const SystemScores& scores = run.systems[system];
  const Measurer measurer(run, choice, options);
  SplicedMeasures m = measurer.measure(scores.clips, scores.system.decode);
  m.kl_p95 = scores.token_kl.empty()
                 ? 0.0
                 : quantile({scores.token_kl.begin(), scores.token_kl.end()}, 0.95);
  const auto* zero = measurer.ablation(scores.system.site, System::Role::zero);
  const auto* mean = measurer.ablation(scores.system.site, System::Role::mean);
  m.ce_recovered_zero = measurer.recovered(scores.clips, zero, ce);
  m.ce_recovered_mean = measurer.recovered(scores.clips, mean, ce);
  m.kl_recovered_zero = measurer.recovered(scores.clips, zero, kl);
  m.kl_recovered_mean = measurer.recovered(scores.clips, mean, kl);
  return m;
}

}  // namespace otoscope::eval
