#include "otoscope/audit/rate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/model/wer.h"

namespace otoscope::audit {
namespace {

using Answer = Judgement::Answer;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr int kPermutations = 1999;
constexpr double kQ = .05;

/// Sums per cluster of what a rate is made of.
struct Sums {
  std::vector<double> fails, n;
  int64_t all_fails = 0, all_n = 0, clusters = 0;

  void close() {
    all_fails = all_n = clusters = 0;
    for (size_t c = 0; c < n.size(); ++c) {
      all_fails += static_cast<int64_t>(fails[c]);
      all_n += static_cast<int64_t>(n[c]);
      clusters += n[c] > 0 ? 1 : 0;
    }
  }
};

/// Clusters without cases would count as clusters.
Sums without_empty(const Sums& sums) {
  Sums kept;
  for (size_t c = 0; c < sums.n.size(); ++c)
    if (sums.n[c] > 0) {
      kept.fails.push_back(sums.fails[c]);
      kept.n.push_back(sums.n[c]);
    }
  kept.close();
  return kept;
}

Estimate interval(const Sums& with_empty, const RateOptions& options) {
  const Sums sums = without_empty(with_empty);
  const double value = sums.all_n > 0
                           ? static_cast<double>(sums.all_fails) / static_cast<double>(sums.all_n)
                           : kNone;
  if (sums.all_n < kLeastCases || sums.clusters < kLeastClusters)
    return {value, kNone, kNone, sums.all_n, sums.clusters, "insufficient"};
  if (sums.all_fails == 0 || sums.all_fails == sums.all_n) {
    Estimate exact = clopper_pearson(sums.all_fails == 0 ? 0 : sums.clusters, sums.clusters);
    exact.n = sums.all_n;
    exact.clusters = sums.clusters;
    exact.method = "Clopper-Pearson 95 %, clusters for items";
    return exact;
  }
  Estimate e = bootstrap_ratio(sums.fails, sums.n, sums.all_n, options.seed, options.replicates);
  e.low = std::max(e.low, 0.0);
  e.high = std::min(e.high, 1.0);
  return e;
}

/// Of the cases that `holds` says.
template <class Holds>
Rate rate_where(std::span<const Case> cases, std::span<const Judgement> judgements,
                const ClusterNumbers& clusters, const RateOptions& options, const Holds& holds,
                const std::optional<Severity>& severity = {}) {
  Sums told, with_errors;
  told.fails.assign(clusters.count, 0);
  told.n = told.fails;
  with_errors = told;
  Rate rate;
  for (size_t i = 0; i < cases.size(); ++i) {
    if (!holds(i)) continue;
    const size_t c = clusters.of[i];
    const bool error = judgements[i].answer == Answer::error;
    const bool fails =
        judgements[i].answer == Answer::fails && (!severity || judgements[i].severity == *severity);
    with_errors.n[c] += 1;
    with_errors.fails[c] += fails || error ? 1 : 0;
    if (error) {
      ++rate.errors;
      continue;
    }
    told.n[c] += 1;
    told.fails[c] += fails ? 1 : 0;
  }
  told.close();
  with_errors.close();
  rate.fails = told.all_fails;
  rate.n = told.all_n;
  rate.clusters = told.clusters;
  rate.estimate = interval(told, options);
  rate.wilson = wilson(rate.fails, rate.n);
  rate.wilson.clusters = rate.clusters;
  rate.errors_as_failures = interval(with_errors, options);
  if (rate.n < kLeastCases)
    rate.insufficient =
        std::to_string(rate.n) + " cases, fewer than " + std::to_string(kLeastCases);
  else if (rate.clusters < kLeastClusters)
    rate.insufficient =
        std::to_string(rate.clusters) + " clusters, fewer than " + std::to_string(kLeastClusters);
  return rate;
}

/// One cell against the rest, cluster by cluster.
class Comparison {
 public:
  Comparison(std::span<const Case> cases, std::span<const Judgement> judgements,
             const ClusterNumbers& clusters, const std::string& by, const std::string& value) {
    std::vector<Sums> both(2);
    for (Sums& side : both) {
      side.fails.assign(clusters.count, 0);
      side.n.assign(clusters.count, 0);
    }
    for (size_t i = 0; i < cases.size(); ++i) {
      const auto group = cases[i].groups.find(by);
      if (group == cases[i].groups.end() || judgements[i].answer == Answer::error) continue;
      Sums& side = both[group->second == value ? 0 : 1];
      side.n[clusters.of[i]] += 1;
      side.fails[clusters.of[i]] += judgements[i].answer == Answer::fails ? 1 : 0;
    }
    for (size_t c = 0; c < clusters.count; ++c) {
      if (both[0].n[c] + both[1].n[c] == 0) continue;
      fails_in_.push_back(both[0].fails[c]);
      n_in_.push_back(both[0].n[c]);
      fails_out_.push_back(both[1].fails[c]);
      n_out_.push_back(both[1].n[c]);
      nested_ = nested_ && (both[0].n[c] == 0 || both[1].n[c] == 0);
    }
  }

  void fill(GroupCell& cell, const RateOptions& options) const {
    double items = 0;
    for (size_t c = 0; c < n_in_.size(); ++c) items += n_in_[c] + n_out_[c];
    cell.difference = cluster_bootstrap(
        static_cast<int64_t>(n_in_.size()), static_cast<int64_t>(items),
        [this](std::span<const int32_t> times) { return difference(times); }, options.seed,
        options.replicates);
    if (nested_) {
      std::vector<int32_t> label;
      for (const double n : n_in_) label.push_back(n > 0 ? 1 : 0);
      cell.test = "labels permuted over clusters";
      cell.p = group_permutation_p(
          label, [this](std::span<const int32_t> in) { return std::abs(relabelled(in)); },
          options.seed, kPermutations);
      return;
    }
    std::vector<double> paired;
    for (size_t c = 0; c < n_in_.size(); ++c)
      if (n_in_[c] > 0 && n_out_[c] > 0)
        paired.push_back(fails_in_[c] / n_in_[c] - fails_out_[c] / n_out_[c]);
    cell.test = "signs of the differences of " + std::to_string(paired.size()) +
                " clusters with both flipped";
    cell.p = paired.empty() ? 1 : sign_flip_p(paired, options.seed);
  }

 private:
  double difference(std::span<const int32_t> times) const {
    double ki = 0, ni = 0, ko = 0, no = 0;
    for (size_t c = 0; c < n_in_.size(); ++c) {
      ki += times[c] * fails_in_[c], ni += times[c] * n_in_[c];
      ko += times[c] * fails_out_[c], no += times[c] * n_out_[c];
    }
    return ni > 0 && no > 0 ? ki / ni - ko / no : kNone;
  }
  double relabelled(std::span<const int32_t> in) const {
    double k[2] = {0, 0}, n[2] = {0, 0};
    for (size_t c = 0; c < n_in_.size(); ++c) {
      k[in[c]] += fails_in_[c] + fails_out_[c];
      n[in[c]] += n_in_[c] + n_out_[c];
    }
    return n[0] > 0 && n[1] > 0 ? k[1] / n[1] - k[0] / n[0] : 0;
  }

  std::vector<double> fails_in_, n_in_, fails_out_, n_out_;
  bool nested_ = true;
};

void add_wer(std::span<const Case> cases, const ClusterNumbers& clusters, const std::string& by,
             GroupCell& cell, const RateOptions& options) {
  std::map<size_t, std::pair<double, double>> sums;
  int64_t n = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto group = cases[i].groups.find(by);
    if (group == cases[i].groups.end() || group->second != cell.value || !cases[i].reference)
      continue;
    const auto edits = model::word_errors(*cases[i].reference, cases[i].heard.normalised);
    auto& [errors, words] = sums[clusters.of[i]];
    errors += static_cast<double>(edits.errors());
    words += static_cast<double>(edits.reference());
    ++n;
  }
  if (n < kLeastCases || sums.size() < static_cast<size_t>(kLeastClusters)) return;
  std::vector<double> errors, words;
  for (const auto& [cluster, both] : sums) {
    errors.push_back(both.first);
    words.push_back(both.second);
  }
  cell.wer = bootstrap_ratio(errors, words, n, options.seed, options.replicates);
  cell.has_wer = true;
}

}  // namespace

ClusterNumbers number_clusters(std::span<const Case> cases) {
  ClusterNumbers clusters;
  std::map<std::string, size_t> number;
  for (const Case& one : cases)
    clusters.of.push_back(number.try_emplace(one.cluster, number.size()).first->second);
  clusters.count = number.size();
  return clusters;
}

Rate rate_of(std::span<const Case> cases, std::span<const Judgement> judgements,
             const RateOptions& options) {
  OTO_ASSERT(cases.size() == judgements.size());
  return rate_where(cases, judgements, number_clusters(cases), options,
                    [](size_t) { return true; });
}

std::vector<SeverityRate> rates_by_severity(std::span<const Case> cases,
                                            std::span<const Judgement> judgements,
                                            const RateOptions& options) {
  OTO_ASSERT(cases.size() == judgements.size());
  const ClusterNumbers clusters = number_clusters(cases);
  std::vector<SeverityRate> rates;
  for (const Severity s : {Severity::s0, Severity::s1, Severity::s2, Severity::s3})
    rates.push_back({s, rate_where(
                            cases, judgements, clusters, options, [](size_t) { return true; }, s)});
  return rates;
}

Groups rates_by_group(std::span<const Case> cases, std::span<const Judgement> judgements,
                      const RateOptions& options) {
  OTO_ASSERT(cases.size() == judgements.size());
  const ClusterNumbers clusters = number_clusters(cases);
  std::map<std::string, std::set<std::string>> values;
  for (const Case& one : cases)
    for (const auto& [by, value] : one.groups) values[by].insert(value);
  Groups groups;
  for (const auto& [by, some] : values) {
    if (some.size() < 2) continue;
    GroupTable table;
    table.by = by;
    for (const std::string& value : some) {
      throw_if_interrupted();
      const auto in = [&](size_t i, bool inside) {
        const auto group = cases[i].groups.find(table.by);
        return group != cases[i].groups.end() && (group->second == value) == inside;
      };
      GroupCell cell;
      cell.value = value;
      cell.rate =
          rate_where(cases, judgements, clusters, options, [&](size_t i) { return in(i, true); });
      const Rate others =
          rate_where(cases, judgements, clusters, options, [&](size_t i) { return in(i, false); });
      cell.compared = cell.rate.insufficient.empty() && others.insufficient.empty();
      if (cell.compared)
        Comparison(cases, judgements, clusters, table.by, value).fill(cell, options);
      add_wer(cases, clusters, table.by, cell, options);
      table.cells.push_back(std::move(cell));
    }
    groups.tables.push_back(std::move(table));
  }
  std::vector<GroupCell*> compared;
  std::vector<double> p;
  for (GroupTable& table : groups.tables)
    for (GroupCell& cell : table.cells)
      if (cell.compared) {
        compared.push_back(&cell);
        p.push_back(cell.p);
      }
  const std::vector<double> adjusted = benjamini_hochberg(p);
  for (size_t i = 0; i < compared.size(); ++i) {
    compared[i]->p_adjusted = adjusted[i];
    compared[i]->differs = adjusted[i] <= kQ;
  }
  groups.tests = static_cast<int64_t>(p.size());
  return groups;
}

}  // namespace otoscope::audit
