#pragma once
/// Reading tensors of foreign files with the shape that the config promises.

#include <cmath>
#include <string>

#include "otoscope/io/safetensors.h"
#include "sae/layout.h"

namespace otoscope::sae {

inline Tensor<float> finite_floats(const io::Safetensors& file, const std::string& name,
                                   const Shape& shape) {
  Tensor<float> x = file.floats(name, shape);
  for (int64_t i = 0; i < x.size(); ++i)
    if (!std::isfinite(x[i]))
      throw UserError(file.path().string(), "expected finite numbers in " + name);
  return x;
}

/// A matrix that is stored as (columns, rows), as (rows, columns).
inline Tensor<float> flipped_floats(const io::Safetensors& file, const std::string& name,
                                    int64_t rows, int64_t columns) {
  return transposed_copy(finite_floats(file, name, {columns, rows}));
}

}  // namespace otoscope::sae
