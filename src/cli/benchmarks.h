#pragma once
/// The benchmarks of benchmarks/<room>/, run inside this program (Google Benchmark).

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"

namespace otoscope::cli {

struct BenchOptions {
  std::string only;
  int repetitions = 7;
  double seconds = 0.2;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("only", o.only, "those whose name matches this regular expression; empty: all");
    v("repetitions", o.repetitions, "runs that the median and the percentiles are taken over",
      Range{1, 1000});
    v("seconds", o.seconds, "least time of a run; short work is repeated within it",
      Range{0.001, 60});
  }
};

/// Wall time of one piece of work, over `runs` runs.
struct Timing {
  std::string name;                                    // "linear/f32"
  std::vector<std::pair<std::string, int64_t>> sizes;  // {"M", 1500}, ... as the benchmark says
  int threads = 0;
  std::string isa;
  int64_t runs = 0;
  double median_ms = 0, p10_ms = 0, p90_ms = 0;
  std::vector<std::pair<std::string, double>> rates;  // "GFLOP/s", ... medians
};

/// In the order in which they stand in the sources. UserError for a pattern that is none or that
/// matches nothing, and in a build without the benchmarks (OTOSCOPE_BENCH).
std::vector<Timing> run_benchmarks(const BenchOptions& options, Progress& progress);

}  // namespace otoscope::cli
