#pragma once
#include <doctest/doctest.h>

#include "otoscope/core/isa.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/tensor.h"

namespace otoscope::kernels {

/// Runs the work at every instruction set that this CPU has.
template <class Work>
void at_each_level(Work&& work) {
  for (const Isa isa : kIsas) {
    if (!cpu_has(isa)) continue;
    const Isa before = force_isa(isa);
    INFO("at level ", isa_name(isa));
    work();
    force_isa(before);
  }
}

inline Tensor<float> normals(Shape shape, std::string_view name, double scale = 1) {
  Rng rng(20, name);
  Tensor<float> x(shape);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(scale * rng.normal());
  return x;
}

}  // namespace otoscope::kernels
