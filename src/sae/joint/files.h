#pragma once
/// The two layouts. Readers give what the file says, its units too; writers return the SHA-256 of
/// the weights (of several files: of their hashes, one a line).

#include <filesystem>
#include <string>

#include "otoscope/sae/joint.h"

namespace otoscope::sae {

Joint read_cross_layer(const std::filesystem::path& folder);
std::string write_cross_layer(const Joint& joint, const std::filesystem::path& folder);

/// Rows times Port::scale; the one threshold is of f_j sum_s ||d_j^s||.
Joint read_crosscoder(const std::filesystem::path& folder);
std::string write_crosscoder(const Joint& joint, const std::filesystem::path& folder);

Tensor<float> finite_tensor(const std::filesystem::path& file, const std::string& name,
                            const Shape& shape);

}  // namespace otoscope::sae
