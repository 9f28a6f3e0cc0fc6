#include "otoscope/contexts/behaviour.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/model/wer.h"

namespace otoscope::contexts {
namespace {

constexpr size_t kLeastContents = 20;
constexpr double kLooping = 2.4;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Which clips count: all, or those whose content is in both contexts.
std::vector<uint8_t> counted(const Items& items, std::string& how) {
  std::map<std::string, int> seen;
  for (size_t i = 0; i < items.content.size(); ++i)
    if (!items.content[i].empty()) seen[items.content[i]] |= 1 << items.design.context[i];
  size_t in_both = 0;
  for (const auto& [content, where] : seen) in_both += where == 3 ? 1 : 0;
  how = "not matched";
  std::vector<uint8_t> use(items.content.size(), 1);
  if (in_both < kLeastContents && !items.paired) return use;
  how = items.paired ? "pairs of clips" : "the same prompts";
  for (size_t i = 0; i < use.size(); ++i) {
    const auto found = seen.find(items.content[i]);
    use[i] = found != seen.end() && found->second == 3 ? 1 : 0;
  }
  return use;
}

/// Sums per group and context; a rate is numerator over denominator.
struct Sums {
  std::vector<double> above[2], below[2];
  int64_t n[2] = {0, 0};
  explicit Sums(int32_t groups) {
    for (auto* one : {&above[0], &above[1], &below[0], &below[1]})
      one->assign(static_cast<size_t>(groups), 0);
  }
  void add(uint8_t context, int32_t group, double a, double b) {
    above[context][static_cast<size_t>(group)] += a;
    below[context][static_cast<size_t>(group)] += b;
    if (b > 0) ++n[context];
  }
};

double rate(const Sums& sums, int which, std::span<const int32_t> multiplicity) {
  double a = 0, b = 0;
  for (size_t g = 0; g < multiplicity.size(); ++g) {
    a += multiplicity[g] * sums.above[which][g];
    b += multiplicity[g] * sums.below[which][g];
  }
  return b > 0 ? a / b : kNone;
}

Estimate nothing() { return {kNone, kNone, kNone, 0, 0, "nothing to measure"}; }

Shift shift_of(const Sums& sums, int32_t groups, uint64_t seed, int replicates) {
  Shift shift{nothing(), nothing(), nothing()};
  for (const int which : {0, 1}) {
    if (sums.n[which] == 0) continue;
    (which == 0 ? shift.first : shift.second) = cluster_bootstrap(
        groups, sums.n[which], [&](std::span<const int32_t> m) { return rate(sums, which, m); },
        seed, replicates);
  }
  if (sums.n[0] > 0 && sums.n[1] > 0)
    shift.difference = cluster_bootstrap(
        groups, sums.n[0] + sums.n[1],
        [&](std::span<const int32_t> m) { return rate(sums, 1, m) - rate(sums, 0, m); }, seed,
        replicates);
  return shift;
}

double errors_of(const steer::SoundWindow& window, const steer::Heard& heard) {
  return static_cast<double>(model::word_errors(window.reference, heard.normalised).errors());
}

}  // namespace

Behaviour behaviour_of(const Items& items, std::span<const steer::SoundWindow> windows,
                       std::span<const steer::Heard> heard, uint64_t seed, int replicates) {
  OTO_ASSERT(windows.size() == items.clips.size() && heard.size() == windows.size());
  Behaviour b;
  const auto use = counted(items, b.content);
  const int32_t groups = items.design.groups;
  Sums wer(groups), wrote(groups), empty(groups), looping(groups);
  for (size_t i = 0; i < windows.size(); ++i) {
    if (use[i] == 0) continue;
    const uint8_t context = items.design.context[i];
    const int32_t group = items.design.group[i];
    ++b.clips[context];
    b.words[context] += windows[i].words;
    if (windows[i].words > 0)
      wer.add(context, group, errors_of(windows[i], heard[i]),
              static_cast<double>(windows[i].words));
    if (windows[i].speech)
      empty.add(context, group, heard[i].wrote() ? 0 : 1, 1);
    else if (!windows[i].clip.speech)
      wrote.add(context, group, heard[i].wrote() ? 1 : 0, 1);
    looping.add(context, group, heard[i].compression > kLooping ? 1 : 0, 1);
  }
  b.wer = shift_of(wer, groups, seed, replicates);
  b.wrote = shift_of(wrote, groups, seed, replicates);
  b.empty = shift_of(empty, groups, seed, replicates);
  b.looping = shift_of(looping, groups, seed, replicates);
  return b;
}

SameIntervention intervention_of(const Items& items, std::span<const steer::SoundWindow> windows,
                                 std::span<const steer::Heard> without,
                                 std::span<const steer::Heard> with, uint64_t seed,
                                 int replicates) {
  OTO_ASSERT(without.size() == windows.size() && with.size() == windows.size());
  SameIntervention result;
  const auto use = counted(items, result.content);
  Sums wer(items.design.groups), wrote(items.design.groups);
  for (size_t i = 0; i < windows.size(); ++i) {
    if (use[i] == 0) continue;
    const uint8_t context = items.design.context[i];
    const int32_t group = items.design.group[i];
    if (windows[i].words > 0)
      wer.add(context, group, errors_of(windows[i], with[i]) - errors_of(windows[i], without[i]),
              static_cast<double>(windows[i].words));
    if (!windows[i].clip.speech)
      wrote.add(context, group, (with[i].wrote() ? 1.0 : 0.0) - (without[i].wrote() ? 1.0 : 0.0),
                1);
  }
  result.wer = shift_of(wer, items.design.groups, seed, replicates);
  result.wrote = shift_of(wrote, items.design.groups, seed, replicates);
  return result;
}

}  // namespace otoscope::contexts
