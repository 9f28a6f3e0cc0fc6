#include "otoscope/contexts/verdict.h"

#include <fmt/core.h>

#include <cmath>

namespace otoscope::contexts {
namespace {

constexpr double kLevel = .05;
/// A separation that could only have been found above this is no statement at all.
constexpr double kUselessAuroc = .999;

std::string bare(double value) {
  if (!std::isfinite(value)) return "?";
  const std::string text = fmt::format("{:.2f}", value);
  if (text.starts_with("0.")) return text.substr(1);
  if (text.starts_with("-0.")) return "-" + text.substr(2);
  return text;
}

std::string interval_text(const Estimate& e) {
  return fmt::format("{} [{}, {}]", bare(e.value), bare(e.low), bare(e.high));
}

bool separates(const Classified& test) { return test.p <= kLevel && test.auroc.low > .5; }
bool above_zero(const Estimate& e) { return std::isfinite(e.low) && e.low > 0; }
bool off_zero(const Estimate& e) {
  return std::isfinite(e.low) && std::isfinite(e.high) && (e.low > 0 || e.high < 0);
}

/// Rates as percentages: "+12.3 points [10.1, 14.2]".
std::string points(const Estimate& e) {
  return fmt::format("{:+.1f} points [{:+.1f}, {:+.1f}]", 100 * e.value, 100 * e.low, 100 * e.high);
}

std::string behaviour_answer(const Evidence& e) {
  if (!e.behaviour) return "not measured at matched content";
  const std::string what = e.behaviour_of + ", second minus first, at matched content: ";
  return what + points(*e.behaviour) +
         (off_zero(*e.behaviour) ? "" : ", an interval that holds 0: no shift detected");
}

std::string control_answer(const Evidence& e) {
  if (!e.mediated || !e.mediated_controls_p)
    return "not measured (--steer N steers along the separating direction beside N controls)";
  const bool moves = off_zero(*e.mediated) && *e.mediated_controls_p <= kLevel;
  return fmt::format(
      "moving the first context's clips along the direction changes the {} by {}; "
      "as much by random directions with p {:.2g}: {}",
      e.behaviour_of, points(*e.mediated), *e.mediated_controls_p,
      moves ? "it moves the behaviour" : "not shown");
}

Verdict of_no_separation(const Evidence& evidence) {
  const Classified& f = evidence.features;
  Verdict verdict;
  const std::string found = fmt::format("{}, p {:.3g}, smallest reachable {:.2g}",
                                        auroc_text(f.auroc), f.p, f.smallest_p);
  if (f.smallest_p > kLevel || !std::isfinite(f.auroc.low)) {
    verdict.sentence = fmt::format("no verdict: too few independent groups ({})", f.auroc.clusters);
    verdict.because.push_back(found);
  } else if (f.p > kLevel && f.auroc.low <= .5) {
    if (f.detectable > kUselessAuroc) {
      verdict.sentence = fmt::format(
          "no verdict: with {} + {} items of {} groups no AUROC would have been found in 80 % of "
          "repetitions",
          evidence.n0, evidence.n1, f.auroc.clusters);
    } else {
      verdict.level = Level::none;
      verdict.sentence = fmt::format(
          "no separation above AUROC {} detected (n = {} + {} items of {} groups, power 80 %)",
          bare(f.detectable), evidence.n0, evidence.n1, f.auroc.clusters);
    }
    verdict.because.push_back(found);
  } else {
    verdict.sentence = "no verdict: the permutation test and the interval disagree";
    verdict.because.push_back(found);
  }
  return verdict;
}

/// One line of the table: false ends the climb; its sentence says why.
using Step = std::pair<bool, std::string>;

Step sources_step(const Evidence& e) {
  if (!e.sources) return {false, "leave-one-source-out: not measured"};
  if (!e.sources->impossible.empty())
    return {false, "leave-one-source-out: not possible, " + e.sources->impossible};
  const bool holds = e.sources->auroc.low > .5;
  return {holds,
          fmt::format("leave-one-source-out: {} over {} rounds{}", auroc_text(e.sources->auroc),
                      e.sources->rounds.size(), holds ? "" : ", an interval that holds .5")};
}

Step nuisance_step(const Evidence& e) {
  if (!e.nuisances || !e.increment) return {false, "nuisances: not measured"};
  const bool holds = above_zero(*e.increment);
  return {holds,
          fmt::format("nuisances alone: {}; features add {}{}", auroc_text(e.nuisances->auroc),
                      interval_text(*e.increment), holds ? "" : ", an interval that holds 0")};
}

Step matching_step(const Evidence& e) {
  if (!e.matched)
    return {false, "matched on nuisances: not possible" +
                       (e.unmatched.empty() ? std::string() : ", " + e.unmatched)};
  const bool holds = separates(*e.matched);
  return {holds, fmt::format("matched on nuisances: {}, p {:.3g} on {} items",
                             auroc_text(e.matched->auroc), e.matched->p, e.matched->auroc.n)};
}

Step learned_step(const Evidence& e) {
  if (!e.shuffled || !e.over_shuffled)
    return {false, "the model with shuffled weights: not measured"};
  const bool holds = !separates(*e.shuffled) || above_zero(*e.over_shuffled);
  return {holds, fmt::format("the model with shuffled weights: {}; the trained one adds {}",
                             auroc_text(e.shuffled->auroc), interval_text(*e.over_shuffled))};
}

Step behaviour_step(const Evidence& e) {
  return {e.behaviour && off_zero(*e.behaviour), "behaviour: " + behaviour_answer(e)};
}

Step mediated_step(const Evidence& e) {
  // Toward the second context's behaviour, not merely elsewhere.
  const bool toward = e.mediated && e.behaviour && e.mediated->value * e.behaviour->value > 0;
  return {
      toward && off_zero(*e.mediated) && e.mediated_controls_p && *e.mediated_controls_p <= kLevel,
      "steering: " + control_answer(e)};
}

}  // namespace

std::string auroc_text(const Estimate& estimate) { return "AUROC " + interval_text(estimate); }

namespace {

Verdict climbed(const Evidence& evidence) {
  if (!separates(evidence.features)) return of_no_separation(evidence);
  Verdict verdict;
  verdict.level = Level::differ;
  verdict.sentence = "these two corpora differ";
  verdict.because.push_back(fmt::format("features: {}, p {:.3g}, smallest reachable {:.2g}",
                                        auroc_text(evidence.features.auroc), evidence.features.p,
                                        evidence.features.smallest_p));
  bool climbing = true;
  const auto climb = [&](std::initializer_list<Step> steps, Level level, const char* sentence) {
    bool all = true;
    for (const Step& step : steps) {
      verdict.because.push_back(step.second);
      all = all && step.first;
    }
    climbing = climbing && all;
    if (!climbing) return;
    verdict.level = level;
    verdict.sentence = sentence;
  };
  climb({sources_step(evidence), nuisance_step(evidence), matching_step(evidence)},
        Level::beyond_nuisances,
        "the representation separates the contexts beyond the listed nuisances");
  climb({learned_step(evidence)}, Level::learned, "learned features separate them");
  climb({behaviour_step(evidence)}, Level::behaviour, "behaviour shifts between contexts");
  climb({mediated_step(evidence)}, Level::mediated,
        "the shift is mediated in part by these features");
  return verdict;
}

}  // namespace

Verdict verdict_of(const Evidence& evidence) {
  Verdict verdict = climbed(evidence);
  verdict.detectability = verdict.sentence;
  verdict.behaviour = behaviour_answer(evidence);
  verdict.controllability = control_answer(evidence);
  return verdict;
}

}  // namespace otoscope::contexts
