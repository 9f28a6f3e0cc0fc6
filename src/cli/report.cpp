#include "otoscope/serve/report.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/core/text.h"

namespace otoscope::cli {
namespace {

struct ReportVerbOptions {
  serve::ReportOptions report;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("labels", o.report.labels, "labels.jsonl whose words are marked under the peaks");
    v("model", o.report.model,
      "model whose cross-attention times the words of clips without labels; none: no marks");
    v("features", o.report.features, "features shown per described SAE, about", Range{5, 200});
    v("examples", o.report.examples, "examples shown per feature", Range{1, 12});
  }
};

class Report : public VerbWith<ReportVerbOptions> {
 public:
  std::string usage() const override { return "RUN"; }
  std::string example() const override {
    return "report runs/demo --labels runs/demo/labels/labels.jsonl";
  }
  std::pair<int, int> positional() const override { return {1, 1}; }

  int run(const Context& context) override {
    options_.report.seed = context.common.seed;
    const serve::ReportSummary made =
        serve::write_report(context.arguments[0], options_.report, context.progress);
    if (context.common.json)
      context.print(nlohmann::ordered_json{{"path", made.path.string()},
                                           {"bytes", made.bytes},
                                           {"numbers", made.numbers},
                                           {"saes", made.saes},
                                           {"features", made.features},
                                           {"examples", made.examples}}
                        .dump(1));
    else
      context.print(fmt::format(
          "{}: {}, {} SAEs, {} features with {} examples, {} numbers held against their files",
          made.path.string(), human_bytes(made.bytes), made.saes, made.features, made.examples,
          made.numbers));
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_report() { return std::make_unique<Report>(); }

}  // namespace otoscope::cli
