#include "sae/arch/arch.h"
#include "sae/arch/sparse.h"

namespace otoscope::sae {

/// TopK: every row keeps its k largest pre-activations, then ReLU (Gao et al., arXiv:2406.04093).
std::unique_ptr<Loss> make_topk(const LossOptions& options, int64_t F) {
  return std::make_unique<SparseLoss>(options, Selection::row, std::vector<int64_t>{F},
                                      std::vector<double>{1.0});
}

}  // namespace otoscope::sae
