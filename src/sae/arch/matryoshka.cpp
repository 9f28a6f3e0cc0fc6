#include "sae/arch/arch.h"
#include "sae/arch/sparse.h"

namespace otoscope::sae {
namespace {

/// F/32, F/8, F/2, F, as in SynthSAEBench; very narrow prefixes hedge (arXiv:2505.11756).
std::vector<int64_t> default_prefixes(int64_t F) {
  std::vector<int64_t> widths;
  for (const int64_t part : {32, 8, 2, 1})
    if (F / part > 0 && (widths.empty() || F / part > widths.back())) widths.push_back(F / part);
  return widths;
}

}  // namespace

/// Matryoshka BatchTopK: one selection, and every prefix of the features must reconstruct on its
/// own (Bussmann et al., arXiv:2503.17547). Prefix losses are summed, not averaged.
std::unique_ptr<Loss> make_matryoshka(const LossOptions& options, int64_t F) {
  std::vector<int64_t> widths = options.prefixes.empty() ? default_prefixes(F) : options.prefixes;
  std::vector<double> weights = options.prefix_weights;
  if (weights.empty()) weights.assign(widths.size(), 1.0);
  int64_t before = 0;
  for (const int64_t width : widths) {
    if (width <= before)
      throw UserError("--prefixes", "expected ascending widths, got " + std::to_string(width) +
                                        " after " + std::to_string(before));
    before = width;
  }
  if (before != F)
    throw UserError("--prefixes", "expected the last prefix to be all " + std::to_string(F) +
                                      " features, got " + std::to_string(before));
  if (weights.size() != widths.size())
    throw UserError("--prefix-weights", "expected " + std::to_string(widths.size()) +
                                            " weights, got " + std::to_string(weights.size()));
  return std::make_unique<SparseLoss>(options, Selection::batch, std::move(widths),
                                      std::move(weights));
}

}  // namespace otoscope::sae
