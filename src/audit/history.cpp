#include "otoscope/audit/history.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "otoscope/audit/cases.h"
#include "otoscope/audit/rate.h"
#include "otoscope/audit/schema.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::Json;
using io::OrderedJson;

constexpr double kMostCounted = 0x1p53;

struct Judged {
  std::string cluster;
  bool fails = false;
};
/// Cases that could be told, by id.
using Cases = std::map<std::string, Judged>;

Cases read_cases(const Audited& audit) {
  Cases cases;
  for_each_case(audit.cases, audit.name + ", case ",
                [&](const Json& one, Judgement::Answer answer, const std::string& where) {
                  if (answer == Judgement::Answer::error) return;
                  cases[io::string_at(one, "id", where)] = {io::string_at(one, "cluster", where),
                                                            answer == Judgement::Answer::fails};
                });
  return cases;
}

struct Version {
  std::string name;
  Json record;
  Cases cases;
  Estimate rate;
};

/// Cases of another audit beside a record would be compared without a word.
void check_cases(const Version& version) {
  if (version.cases.empty()) return;
  const Json& clips = version.record.at("rate").at("clips");
  int64_t fails = 0;
  for (const auto& [id, one] : version.cases) fails += one.fails ? 1 : 0;
  if (clips.at("k") == fails && clips.at("n") == version.cases.size()) return;
  throw UserError(version.name,
                  "expected cases of which " + clips.at("k").dump() + " of " +
                      clips.at("n").dump() + " fail, got " + std::to_string(fails) + " of " +
                      std::to_string(version.cases.size()),
                  "its .cases.jsonl is of another audit");
}

Version read_version(const Audited& audit) {
  Version version{audit.name, io::parse_json(audit.record, audit.name), read_cases(audit), {}};
  const auto problems = record_problems(version.record);
  if (!problems.empty())
    throw UserError(audit.name, "expected an audit record, version 1 or 2: " + problems[0]);
  const Json& clips = version.record.at("rate").at("clips");
  if (!clips.at("sufficient").get<bool>())
    throw UserError(audit.name, "has no rate to compare: " + clips.value("why_not", std::string()));
  const Json& e = clips.at("estimate");
  for (const char* key : {"value", "low", "high"})
    if (!e.at(key).is_number()) throw UserError(audit.name, "has a rate without an interval");
  const auto count = [&](const char* key) {
    const auto n = e.at(key).get<double>();
    if (!(n <= kMostCounted))
      throw UserError(audit.name, "has a rate of more cases than there can be");
    return static_cast<int64_t>(n);
  };
  version.rate = {e.at("value").get<double>(), e.at("low").get<double>(),
                  e.at("high").get<double>(),  count("n"),
                  count("clusters"),           e.at("method").get<std::string>()};
  check_cases(version);
  return version;
}

/// Sums of failures and cases by cluster.
struct ByCluster {
  std::map<std::string, std::pair<double, double>> sums;
  void add(const Judged& one) {
    auto& [fails, n] = sums[one.cluster];
    fails += one.fails ? 1 : 0;
    n += 1;
  }
};

/// Later less earlier on the clips of both.
Estimate paired(const Cases& earlier, const Cases& later, uint64_t seed, int replicates) {
  std::map<std::string, std::array<double, 3>> sums;
  int64_t n = 0;
  for (const auto& [id, was] : earlier) {
    const auto is = later.find(id);
    if (is == later.end()) continue;
    auto& [a, b, count] = sums[was.cluster];
    a += is->second.fails ? 1 : 0;
    b += was.fails ? 1 : 0;
    count += 1;
    ++n;
  }
  if (n < kLeastCases || static_cast<int64_t>(sums.size()) < kLeastClusters)
    return {std::nan(""), std::nan(""), std::nan(""), n, static_cast<int64_t>(sums.size()), ""};
  std::vector<double> a, b, count;
  for (const auto& [cluster, three] : sums)
    a.push_back(three[0]), b.push_back(three[1]), count.push_back(three[2]);
  Estimate e = bootstrap_paired_ratio(a, b, count, n, seed, replicates);
  e.method = "the same clips, paired: " + e.method;
  return e;
}

/// Clusters of both sides in one list, so that each draw has as many of either as chance gives.
Estimate unpaired(const Cases& earlier, const Cases& later, uint64_t seed, int replicates) {
  std::vector<std::array<double, 4>> sums;  // fails and n, earlier and later
  const auto add = [&](const Cases& cases, size_t at) {
    ByCluster by;
    for (const auto& [id, one] : cases) by.add(one);
    for (const auto& [cluster, two] : by.sums) {
      sums.push_back({0, 0, 0, 0});
      sums.back()[at] = two.first, sums.back()[at + 1] = two.second;
    }
  };
  add(earlier, 0);
  add(later, 2);
  Estimate e = cluster_bootstrap(
      static_cast<int64_t>(sums.size()), static_cast<int64_t>(earlier.size() + later.size()),
      [&](std::span<const int32_t> times) {
        double s[4] = {0, 0, 0, 0};
        for (size_t c = 0; c < sums.size(); ++c)
          for (size_t i = 0; i < 4; ++i) s[i] += times[c] * sums[c][i];
        return s[1] > 0 && s[3] > 0 ? s[2] / s[3] - s[0] / s[1] : std::nan("");
      },
      seed, replicates);
  e.method = "other clips, both sides resampled: " + e.method;
  return e;
}

/// From two values and the ends of their intervals (Newcombe 1998, method 10; for any intervals
/// Zou and Donner 2008).
Estimate from_intervals(const Estimate& earlier, const Estimate& later) {
  const auto square_and_add = [](double a, double b) { return std::sqrt(a * a + b * b); };
  const double d = later.value - earlier.value;
  return {d,
          d - square_and_add(later.value - later.low, earlier.high - earlier.value),
          d + square_and_add(later.high - later.value, earlier.value - earlier.low),
          earlier.n + later.n,
          earlier.clusters + later.clusters,
          "from the two stored intervals, square and add"};
}

Estimate difference(const Version& earlier, const Version& later, uint64_t seed, int replicates) {
  if (earlier.cases.empty() || later.cases.empty()) return from_intervals(earlier.rate, later.rate);
  const Estimate same = paired(earlier.cases, later.cases, seed, replicates);
  return std::isfinite(same.value) ? same : unpaired(earlier.cases, later.cases, seed, replicates);
}

OrderedJson version_json(const Version& v) {
  const Json& from = v.record.at("provenance");
  const Json& clips = v.record.at("rate").at("clips");
  return {{"name", v.name},
          {"started", from.at("started")},
          {"model", from.at("model").at("name")},
          {"model_hash", from.at("model").at("hash")},
          {"data", v.record.at("population").at("datasets").at(0).at("id")},
          {"data_sha256", v.record.at("population").at("datasets").at(0).at("sha256")},
          {"k", clips.at("k")},
          {"n", clips.at("n")},
          {"rate", io::to_json(v.rate)},
          {"wording", v.record.at("verdict").at("wording")}};
}

}  // namespace

OrderedJson history(std::span<const Audited> audits, uint64_t seed, int replicates) {
  if (audits.size() < 2)
    throw UserError("history",
                    "expected at least two records, got " + std::to_string(audits.size()));
  std::vector<Version> versions;
  for (const Audited& audit : audits) versions.push_back(read_version(audit));
  const auto predicate = [](const Version& v) {
    return v.record.at("failure_mode").at("predicate_sha256").get<std::string>();
  };
  for (const Version& v : versions)
    if (predicate(v) != predicate(versions[0]))
      throw UserError(v.name, "is of another predicate than " + versions[0].name,
                      "rates of two predicates are not one history");
  OrderedJson json{{"schema", "otoscope.audit-history"},
                   {"version", 1},
                   {"mode", versions[0].record.at("failure_mode").at("id")},
                   {"title", versions[0].record.at("failure_mode").at("title")},
                   {"predicate_sha256", predicate(versions[0])}};
  OrderedJson list = OrderedJson::array();
  for (size_t i = 0; i < versions.size(); ++i) {
    list.push_back(version_json(versions[i]));
    if (i == 0) continue;
    list.back()["difference"] =
        io::to_json(difference(versions[i - 1], versions[i], seed, replicates));
    list.back()["since_first"] =
        io::to_json(difference(versions[0], versions[i], seed, replicates));
  }
  json["first"] = list.front();
  json["last"] = list.back();
  json["versions"] = std::move(list);
  return json;
}

}  // namespace otoscope::audit
