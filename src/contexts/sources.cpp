#include <cmath>
#include <limits>

#include "contexts/bounded.h"
#include "otoscope/contexts/held_out.h"
#include "otoscope/contexts/tests.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"

namespace otoscope::contexts {
namespace {

constexpr size_t kMostRounds = 40;  // a fit each

/// Sources left out in one round: one of each context, or twice the same that lies in both.
struct Round {
  int32_t first, second;
  double auroc = .5;
};

std::vector<Round> planned(const Design& design, uint64_t seed) {
  std::vector<uint8_t> seen(static_cast<size_t>(design.sources), 0);
  for (size_t i = 0; i < design.context.size(); ++i)
    if (design.source[i] >= 0)
      seen[static_cast<size_t>(design.source[i])] |= static_cast<uint8_t>(1 << design.context[i]);
  Rng rng(seed, "contexts: sources left out");
  std::vector<int32_t> alone[2];
  std::vector<Round> rounds;
  for (const int64_t s : rng.permutation(design.sources)) {
    const auto source = static_cast<int32_t>(s);
    const uint8_t where = seen[static_cast<size_t>(s)];
    if (where == 3)
      rounds.push_back({source, source});
    else if (where != 0)
      alone[where == 2 ? 1 : 0].push_back(source);
  }
  if (!alone[0].empty() && !alone[1].empty())
    for (size_t i = 0; i < std::max(alone[0].size(), alone[1].size()); ++i)
      rounds.push_back({alone[0][i % alone[0].size()], alone[1][i % alone[1].size()]});
  if (rounds.size() > kMostRounds) rounds.resize(kMostRounds);
  return rounds;
}

bool fit(View<const double> gram, const Design& design, double ridge, Round& round) {
  std::vector<int64_t> train, test;
  int64_t counts[2][2] = {{0, 0}, {0, 0}};
  for (int64_t i = 0; i < design.n(); ++i) {
    const auto at = static_cast<size_t>(i);
    const bool out = design.source[at] == round.first || design.source[at] == round.second;
    (out ? test : train).push_back(i);
    ++counts[out ? 1 : 0][design.context[at]];
  }
  for (const auto& of : counts)
    if (of[0] == 0 || of[1] == 0) return false;
  const auto scores = scores_of(gram, design.context, train, test, ridge);
  std::vector<uint8_t> positive;
  for (const int64_t i : test) positive.push_back(design.context[static_cast<size_t>(i)]);
  round.auroc = auroc(scores, positive);
  return true;
}

}  // namespace

SourceOut leave_source_out(View<const double> gram, const Design& design,
                           const TestOptions& options) {
  SourceOut result;
  std::vector<Round> rounds;
  for (Round round : planned(design, options.seed)) {
    throw_if_interrupted();
    if (fit(gram, design, options.ridge, round)) rounds.push_back(round);
  }
  if (rounds.size() < 2) {
    result.impossible = design.sources == 0 ? "no source or speaker is stated"
                                            : "fewer than two sources in a context";
    result.auroc = {.5,
                    std::numeric_limits<double>::quiet_NaN(),
                    std::numeric_limits<double>::quiet_NaN(),
                    0,
                    0,
                    result.impossible};
    return result;
  }
  for (const Round& round : rounds) result.rounds.push_back(round.auroc);
  result.auroc = cluster_bootstrap(
      design.sources, design.n(),
      [&](std::span<const int32_t> multiplicity) {
        double sum = 0, weights = 0;
        for (const Round& round : rounds) {
          const double first = multiplicity[static_cast<size_t>(round.first)];
          const double weight = round.first == round.second
                                    ? first
                                    : first * multiplicity[static_cast<size_t>(round.second)];
          sum += weight * round.auroc;
          weights += weight;
        }
        return weights > 0 ? sum / weights : std::numeric_limits<double>::quiet_NaN();
      },
      options.seed, options.replicates);
  result.auroc = bounded(result.auroc);
  result.auroc.method += ", mean over sources left out";
  return result;
}

}  // namespace otoscope::contexts
