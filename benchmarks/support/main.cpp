#include <benchmark/benchmark.h>

#include <string>

#include "otoscope/core/isa.h"
#include "otoscope/core/threads.h"

/// Google Benchmark with the two facts that its context lacks.
int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  benchmark::AddCustomContext("threads", std::to_string(otoscope::threads()));
  benchmark::AddCustomContext("isa", std::string(otoscope::isa_name(otoscope::active_isa())));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
