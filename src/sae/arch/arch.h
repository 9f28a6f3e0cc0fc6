#pragma once
/// The makers of all losses, one file each; registry.cpp lists them by name.

#include <memory>

#include "otoscope/sae/loss.h"

namespace otoscope::sae {

std::unique_ptr<Loss> make_relu(const LossOptions&, int64_t F);
std::unique_ptr<Loss> make_topk(const LossOptions&, int64_t F);
std::unique_ptr<Loss> make_batchtopk(const LossOptions&, int64_t F);
std::unique_ptr<Loss> make_matryoshka(const LossOptions&, int64_t F);
std::unique_ptr<Loss> make_jumprelu(const LossOptions&, int64_t F);
std::unique_ptr<Loss> make_gated(const LossOptions&, int64_t F);

}  // namespace otoscope::sae
