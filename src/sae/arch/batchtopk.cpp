#include "sae/arch/arch.h"
#include "sae/arch/sparse.h"

namespace otoscope::sae {

/// BatchTopK: the batch keeps its k * B largest pre-activations, rows share them as they need
/// (Bussmann et al., arXiv:2412.06410). Runs with one threshold for all features afterwards.
std::unique_ptr<Loss> make_batchtopk(const LossOptions& options, int64_t F) {
  return std::make_unique<SparseLoss>(options, Selection::batch, std::vector<int64_t>{F},
                                      std::vector<double>{1.0});
}

}  // namespace otoscope::sae
