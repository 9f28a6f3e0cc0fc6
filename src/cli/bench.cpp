#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/benchmarks.h"
#include "cli/verb.h"

namespace otoscope::cli {
namespace {

class Bench : public VerbWith<BenchOptions> {
 public:
  std::string example() const override { return "bench --only encoder --json"; }

  int run(const Context& context) override {
    const std::vector<Timing> timings = run_benchmarks(options_, context.progress);
    if (context.common.json) {
      nlohmann::ordered_json list = nlohmann::ordered_json::array();
      for (const Timing& timing : timings) list.push_back(json_of(timing));
      context.print(list.dump(1));
      return 0;
    }
    std::vector<std::vector<std::string>> rows = {{"work", "sizes", "median", "p10", "p90", ""}};
    for (const Timing& timing : timings) rows.push_back(row_of(timing));
    context.print(text_table(rows));
    return 0;
  }

 private:
  static nlohmann::ordered_json json_of(const Timing& timing) {
    nlohmann::ordered_json sizes = nlohmann::ordered_json::object(), json;
    for (const auto& [name, value] : timing.sizes) sizes[name] = value;
    json = {{"name", timing.name},     {"sizes", sizes},         {"threads", timing.threads},
            {"isa", timing.isa},       {"runs", timing.runs},    {"median_ms", timing.median_ms},
            {"p10_ms", timing.p10_ms}, {"p90_ms", timing.p90_ms}};
    for (const auto& [name, value] : timing.rates) json[name] = value;
    return json;
  }

  static std::vector<std::string> row_of(const Timing& timing) {
    std::string sizes, rates;
    for (const auto& [name, value] : timing.sizes)
      sizes +=
          fmt::format("{}{}{}", sizes.empty() ? "" : " ", name.empty() ? "" : name + "=", value);
    for (const auto& [name, value] : timing.rates)
      rates += fmt::format("{}{:.3g} {}", rates.empty() ? "" : ", ", value, name);
    const auto ms = [](double value) { return fmt::format("{:.4g} ms", value); };
    return {timing.name, sizes, ms(timing.median_ms), ms(timing.p10_ms), ms(timing.p90_ms), rates};
  }
};

}  // namespace

std::unique_ptr<Verb> make_bench() { return std::make_unique<Bench>(); }

}  // namespace otoscope::cli
