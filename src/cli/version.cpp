#include "otoscope/core/version.h"
#include "cli/verb.h"
#include "otoscope/core/isa.h"
#include "otoscope/core/threads.h"

namespace otoscope::cli {
namespace {

class Version : public Verb {
 public:
  std::string example() const override { return "version"; }
  int run(const Context& context) override {
    const std::string isa(isa_name(active_isa()));
    if (context.common.json)
      context.print("{\"version\": \"" + std::string(kVersion) + "\", \"isa\": \"" + isa +
                    "\", \"threads\": " + std::to_string(threads()) + "}");
    else
      context.print("otoscope " + std::string(kVersion) + ", kernels for " + isa + ", " +
                    std::to_string(threads()) + " threads");
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_version() { return std::make_unique<Version>(); }

}  // namespace otoscope::cli
