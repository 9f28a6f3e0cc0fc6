#pragma once
/// Does an SAE belong to the stores that it is evaluated on?

#include <string>

#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::eval {

/// UserError "[name] …" where width, site or model differ.
void check_fit(const sae::Sae& sae, const store::Store& store, const std::string& name);

/// A transcoder belongs to two stores of the same rows, an SAE to one (target: null). UserError
/// "[name] …" otherwise.
void check_target(const sae::Sae& sae, const store::Store& store, const store::Store* target,
                  const std::string& name);

}  // namespace otoscope::eval
