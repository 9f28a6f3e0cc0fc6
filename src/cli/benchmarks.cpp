#include "cli/benchmarks.h"

#include "otoscope/core/errors.h"

#ifdef OTOSCOPE_WITH_BENCH
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <charconv>
#include <map>
#include <regex>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/isa.h"
#include "otoscope/core/statistics/ranks.h"
#include "otoscope/core/text.h"
#include "otoscope/core/threads.h"
#endif

namespace otoscope::cli {

#ifndef OTOSCOPE_WITH_BENCH

std::vector<Timing> run_benchmarks(const BenchOptions&, Progress&) {
  throw UserError("bench", "expected a build with the benchmarks, got one without",
                  "./dev bench builds them (cmake -DOTOSCOPE_BENCH=ON)");
}

#else

namespace {

using Run = benchmark::BenchmarkReporter::Run;

/// "M:1500/K:512" or "4096/32": what the benchmark's arguments are called, and their values.
std::vector<std::pair<std::string, int64_t> > sizes_of(const std::string& text) {
  std::vector<std::pair<std::string, int64_t> > sizes;
  for (const std::string& part : split(text, '/')) {
    const size_t colon = part.find(':');
    const std::string value = colon == std::string::npos ? part : part.substr(colon + 1);
    int64_t number = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == value.data() + value.size())
      sizes.emplace_back(colon == std::string::npos ? "" : part.substr(0, colon), number);
  }
  return sizes;
}

Timing timing_of(const std::vector<Run>& runs) {
  Timing timing;
  std::vector<double> times;
  std::map<std::string, std::vector<double> > rates;
  for (const Run& run : runs) {
    if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
    timing.name = run.run_name.function_name;
    timing.sizes = sizes_of(run.run_name.args);
    times.push_back(run.GetAdjustedRealTime() / benchmark::GetTimeUnitMultiplier(run.time_unit) *
                    1e3);
    for (const auto& [name, counter] : run.counters) rates[name].push_back(counter.value);
  }
  timing.threads = threads();
  timing.isa = isa_name(active_isa());
  timing.runs = static_cast<int64_t>(times.size());
  if (times.empty()) return timing;
  timing.median_ms = quantile(times, .5);
  timing.p10_ms = quantile(times, .1);
  timing.p90_ms = quantile(times, .9);
  for (const auto& [name, values] : rates) timing.rates.emplace_back(name, quantile(values, .5));
  return timing;
}

/// Collects; the library's own reporters print.
class Collector : public benchmark::BenchmarkReporter {
 public:
  explicit Collector(Progress& progress) : progress_(progress) {}
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    throw_if_interrupted();
    Timing timing = timing_of(runs);
    if (timing.runs == 0) return;  // its aggregates alone
    progress_.note(fmt::format("{} {:.4g} ms", runs.front().run_name.str(), timing.median_ms));
    timings.push_back(std::move(timing));
  }
  std::vector<Timing> timings;

 private:
  Progress& progress_;
};

}  // namespace

std::vector<Timing> run_benchmarks(const BenchOptions& options, Progress& progress) {
  try {
    const std::regex pattern(options.only);
  } catch (const std::regex_error&) {
    throw UserError("--only " + options.only, "expected a regular expression, got something else",
                    "a plain part of a name will do: encoder");
  }
  std::vector<std::string> words = {"otoscope",
                                    fmt::format("--benchmark_repetitions={}", options.repetitions),
                                    fmt::format("--benchmark_min_time={}", options.seconds)};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  auto count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  Collector collector(progress);
  benchmark::RunSpecifiedBenchmarks(&collector, options.only.empty() ? "." : options.only);
  benchmark::Shutdown();
  if (collector.timings.empty())
    throw UserError("--only " + options.only,
                    "expected the name of a benchmark, got none that fits",
                    "`otoscope bench` without it runs and names them all");
  return collector.timings;
}

#endif

}  // namespace otoscope::cli
