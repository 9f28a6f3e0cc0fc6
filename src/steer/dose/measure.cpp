#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/steer/dose.h"

namespace otoscope::steer {
namespace {

constexpr double kGuardWer = 0.005, kGuardEmpty = 0.005;  // methods.md §5.4

double value_of(const Parts& p) { return (p.b > 0 ? p.a / p.b : 0) - (p.d > 0 ? p.c / p.d : 0); }

Parts& operator+=(Parts& sum, const Parts& p) {
  sum.a += p.a, sum.b += p.b, sum.c += p.c, sum.d += p.d;
  return sum;
}

/// Sums by cluster over every `every`-th clip.
class Measurer {
 public:
  Measurer(const DoseRun& run, const std::vector<Outcome>& outcomes, int every,
           const eval::ClipChoice& choice, const Target& target, const DoseOptions& options)
      : run_(run),
        outcomes_(outcomes),
        every_(static_cast<size_t>(every)),
        choice_(choice),
        target_(target),
        options_(options) {}

  ResponseMeasures measure() const {
    ResponseMeasures m;
    m.target = target_estimate(false);
    m.target_difference = target_estimate(true);
    const auto tokens = [](const Outcome& o) { return static_cast<double>(o.tokens); };
    const auto one = [](const Outcome&) { return 1.0; };
    m.kl = ratio([](const Outcome& o) { return o.kl; }, tokens);
    m.ce_difference = difference([](const Outcome& o) { return o.ce; }, tokens);
    m.no_speech = ratio([](const Outcome& o) { return o.no_speech; }, one);
    m.own_language = ratio([](const Outcome& o) { return o.own_language; }, one);
    m.decoded = true;
    for (size_t i = 0; i < outcomes_.size(); i += every_)
      m.decoded = m.decoded && outcomes_[i].decoded;
    if (!m.decoded) return m;
    const auto words = [](const Outcome& o) { return static_cast<double>(o.words); };
    const auto wrong = [](const Outcome& o) { return static_cast<double>(o.word_errors); };
    const auto empty = [](const Outcome& o) { return o.empty ? 1.0 : 0.0; };
    m.wer = ratio(wrong, words);
    m.wer_difference = difference(wrong, words);
    m.cer = ratio([](const Outcome& o) { return static_cast<double>(o.character_errors); },
                  [](const Outcome& o) { return static_cast<double>(o.characters); });
    m.empty = ratio(empty, one);
    m.empty_difference = difference(empty, one);
    m.looping = ratio([](const Outcome& o) { return o.looping ? 1.0 : 0.0; }, one);
    m.length = ratio([](const Outcome& o) { return static_cast<double>(o.length); }, one);
    return m;
  }

 private:
  template <class Field>
  std::vector<double> sums(const std::vector<Outcome>& of, Field&& field) const {
    std::vector<double> all(static_cast<size_t>(choice_.clusters));
    for (size_t i = 0; i < of.size(); i += every_)
      all[static_cast<size_t>(choice_.clips[i].cluster)] += field(of[i]);
    return all;
  }
  /// Clusters that no clip of the subset belongs to are not resampled.
  std::vector<size_t> present() const {
    std::vector<size_t> which;
    const auto ones = sums(outcomes_, [](const Outcome&) { return 1.0; });
    for (size_t c = 0; c < ones.size(); ++c)
      if (ones[c] > 0) which.push_back(c);
    return which;
  }
  static std::vector<double> at(const std::vector<double>& all, const std::vector<size_t>& which) {
    std::vector<double> some;
    some.reserve(which.size());
    for (const size_t c : which) some.push_back(all[c]);
    return some;
  }
  int64_t count(const std::vector<double>& sizes) const {
    double n = 0;
    for (const double s : sizes) n += s;
    return static_cast<int64_t>(std::llround(n));
  }
  template <class Top, class Bottom>
  Estimate ratio(Top&& top, Bottom&& bottom) const {
    const auto which = present();
    const auto below = at(sums(outcomes_, bottom), which);
    return bootstrap_ratio(at(sums(outcomes_, top), which), below, count(below), options_.seed,
                           options_.replicates);
  }
  template <class Top, class Bottom>
  Estimate difference(Top&& top, Bottom&& bottom) const {
    const auto which = present();
    const auto below = at(sums(outcomes_, bottom), which);
    return bootstrap_paired_ratio(at(sums(outcomes_, top), which), at(sums(run_.clean, top), which),
                                  below, count(below), options_.seed, options_.replicates);
  }

  std::vector<Parts> target_sums(const std::vector<Outcome>& of) const {
    std::vector<Parts> all(static_cast<size_t>(choice_.clusters));
    for (size_t i = 0; i < of.size(); i += every_)
      all[static_cast<size_t>(choice_.clips[i].cluster)] += target_.score(choice_.clips[i], of[i]);
    return all;
  }

  Estimate target_estimate(bool minus_clean) const {
    const auto which = present();
    const auto edited = target_sums(outcomes_), clean = target_sums(run_.clean);
    double n = 0;
    for (const size_t c : which) n += edited[c].b + edited[c].d;
    const auto statistic = [&](std::span<const int32_t> multiplicity) {
      Parts e, c;
      for (size_t i = 0; i < which.size(); ++i) {
        const double times = multiplicity[i];
        const Parts &one = edited[which[i]], &other = clean[which[i]];
        e += {times * one.a, times * one.b, times * one.c, times * one.d};
        c += {times * other.a, times * other.b, times * other.c, times * other.d};
      }
      if (!(e.b > 0) || (minus_clean && !(c.b > 0))) return std::nan("");
      return value_of(e) - (minus_clean ? value_of(c) : 0);
    };
    return cluster_bootstrap(static_cast<int64_t>(which.size()),
                             static_cast<int64_t>(std::llround(n)), statistic, options_.seed,
                             options_.replicates);
  }

  const DoseRun& run_;
  const std::vector<Outcome>& outcomes_;
  size_t every_;
  const eval::ClipChoice& choice_;
  const Target& target_;
  const DoseOptions& options_;
};

/// Change of the target on every `every`-th clip.
double effect(const DoseRun& run, const Response& response, int every,
              const eval::ClipChoice& choice, const Target& target) {
  Parts edited, clean;
  for (size_t i = 0; i < run.clean.size(); i += static_cast<size_t>(every)) {
    edited += target.score(choice.clips[i], response.clips[i]);
    clean += target.score(choice.clips[i], run.clean[i]);
  }
  return value_of(edited) - value_of(clean);
}

bool is_control(const Arm& arm) {
  return arm.role != Arm::Role::tested && arm.role != Arm::Role::rival;
}

void finish(double tested, Contest::Against& against) {
  if (against.effects.empty()) return;
  std::vector<double> sizes;
  int64_t reach = 0;
  for (const double e : against.effects) {
    sizes.push_back(std::abs(e));
    reach += std::abs(e) >= std::abs(tested) ? 1 : 0;
  }
  against.p = (1 + static_cast<double>(reach)) / (1 + static_cast<double>(sizes.size()));
  against.p95 = quantile(std::move(sizes), 0.95);
}

}  // namespace

ResponseMeasures measure(const DoseRun& run, const std::vector<Outcome>& outcomes, int every,
                         const eval::ClipChoice& choice, const Target& target,
                         const DoseOptions& options) {
  return Measurer(run, outcomes, every, choice, target, options).measure();
}

bool guard_holds(const ResponseMeasures& m) {
  return m.decoded && m.wer_difference.high <= kGuardWer && m.empty_difference.high <= kGuardEmpty;
}

std::vector<Contest> contests(const DoseRun& run, std::span<const Arm> arms,
                              const eval::ClipChoice& choice, const Target& target) {
  int every = 1;
  for (const Arm& arm : arms)
    if (is_control(arm)) every = std::max(every, arm.every);
  std::vector<Contest> all;
  for (size_t a = 0; a < arms.size(); ++a) {
    if (is_control(arms[a]) || every % arms[a].every != 0) continue;
    for (const Response& response : run.arms[a]) {
      if (response.strength == 0) continue;
      Contest contest;
      contest.arm = a;
      contest.strength = response.strength;
      contest.effect = effect(run, response, every, choice, target);
      for (size_t b = 0; b < arms.size(); ++b) {
        if (!is_control(arms[b]) || arms[b].of != static_cast<int>(a)) continue;
        Contest::Against& against =
            arms[b].role == Arm::Role::random_feature     ? contest.random_features
            : arms[b].role == Arm::Role::random_direction ? contest.random_directions
                                                          : contest.random_principal;
        for (const Response& control : run.arms[b])
          if (control.strength == response.strength)
            against.effects.push_back(effect(run, control, every, choice, target));
      }
      bool any = false;
      for (Contest::Against* against :
           {&contest.random_features, &contest.random_directions, &contest.random_principal}) {
        any = any || !against->effects.empty();
        finish(contest.effect, *against);
      }
      if (any) all.push_back(std::move(contest));
    }
  }
  return all;
}

}  // namespace otoscope::steer
