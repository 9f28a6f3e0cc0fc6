#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/demo_steps.h"
#include "cli/run.h"
#include "cli/step_record.h"
#include "cli/verb.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"

namespace otoscope::cli {
namespace {

struct DemoOptions {
  bool fresh = false, full = false;
  std::string out = "runs/demo";

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("fresh", o.fresh, "measure everything again; downloads are kept");
    v("full", o.full, "also the long runs: other seeds, all pairs of languages, full controls");
    v("out", o.out, "the run's folder");
  }
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class Demo : public VerbWith<DemoOptions> {
 public:
  std::string example() const override { return "demo"; }

  int run(const Context& context) override {
    const std::filesystem::path out = options_.out;
    if (options_.fresh) clear(out);
    io::make_folder(out);
    const io::FolderLock lock(out);
    StepRecord record(out / "times.json");
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<DemoStep> steps = demo_steps(out, options_.full);
    for (size_t i = 0; i < steps.size(); ++i) {
      context.progress.note(fmt::format("\n[{}/{}] {}\n      otoscope {}", i + 1, steps.size(),
                                        steps[i].what, join(steps[i].words, " ")));
      if (record.settled(steps[i])) {
        context.progress.note(steps[i].made + ": already made of these files");
        continue;
      }
      if (!steps[i].made.empty())
        io::make_folder(std::filesystem::path(steps[i].made).parent_path());
      const auto step_begin = std::chrono::steady_clock::now();
      int status = 0;
      try {
        status = run_words(steps[i].words, context);
      } catch (...) {
        record.add(steps[i], seconds_since(step_begin), false);
        throw;
      }
      if (status != 0) return status;
      record.add(steps[i], seconds_since(step_begin), true);
    }
    write_run_record(out, steps);
    context.print(closing(out, steps, record, seconds_since(begin)));
    return 0;
  }

 private:
  /// Everything measured goes; what was downloaded lies elsewhere.
  static void clear(const std::filesystem::path& out) {
    if (!std::filesystem::exists(out)) return;
    if (!std::filesystem::exists(out / "times.json") && !std::filesystem::is_empty(out))
      throw UserError(out.string(),
                      "expected a folder that an earlier demo made, got something else",
                      "give another --out");
    std::filesystem::remove_all(out);
  }

  static std::string closing(const std::filesystem::path& out, const std::vector<DemoStep>& steps,
                             const StepRecord& record, double now) {
    std::vector<std::vector<std::string>> rows = {{"step", "time"}};
    double total = 0;
    for (const DemoStep& step : steps) {
      rows.push_back({step.what, human_seconds(record.seconds(step.name))});
      total += record.seconds(step.name);
    }
    rows.push_back({"together", human_seconds(total)});
    const std::filesystem::path report = std::filesystem::absolute(out / "report.html");
    return "\n" + text_table(rows) +
           fmt::format(
               "\nthis call: {}; peak memory {}\n\nThe report: {}\nOpen it in any browser (it "
               "needs no network), "
               "or copy that one file anywhere.",
               human_seconds(now), human_bytes(peak_memory_bytes()), report.string());
  }

  DemoOptions options() const { return options_; }
  using VerbWith<DemoOptions>::options;
};

}  // namespace

std::unique_ptr<Verb> make_demo() { return std::make_unique<Demo>(); }

}  // namespace otoscope::cli
