#include <algorithm>

#include "otoscope/core/text.h"
#include "sae/arch/arch.h"

namespace otoscope::sae {
namespace {

struct Entry {
  const char* name;
  std::unique_ptr<Loss> (*make)(const LossOptions&, int64_t F);
  bool needs_k;
};

constexpr Entry kEntries[] = {
    {"batchtopk", make_batchtopk, true}, {"topk", make_topk, true},
    {"jumprelu", make_jumprelu, true},   {"relu", make_relu, false},
    {"gated", make_gated, false},        {"matryoshka", make_matryoshka, true},
};

}  // namespace

const std::vector<std::string>& architecture_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Entry& entry : kEntries) all.push_back(entry.name);
    return all;
  }();
  return names;
}

std::unique_ptr<Loss> make_loss(const LossOptions& options, int64_t d, int64_t d_out, int64_t F) {
  OTO_ASSERT(d > 0 && d_out > 0 && F > 0);
  for (const Entry& entry : kEntries) {
    if (options.architecture != entry.name) continue;
    if (entry.needs_k && (options.k < 1 || options.k > F))
      throw UserError("--k", "expected a number in [1, " + std::to_string(F) +
                                 "] (the number of latents), got " + std::to_string(options.k));
    return entry.make(options, F);
  }
  throw UserError(
      "--arch", "expected one of " + join(architecture_names()) + ", got " + options.architecture,
      "did you mean " + join(nearest_names(options.architecture, architecture_names(), 1)));
}

}  // namespace otoscope::sae
