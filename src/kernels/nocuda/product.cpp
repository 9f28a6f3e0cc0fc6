/// What a build without CUDA says of it. Only start() can be reached: everything else needs a
/// device that it let pass.

#include "kernels/cuda/product.h"
#include "otoscope/core/errors.h"

namespace otoscope::kernels::cuda {

void start() {
  throw UserError("--device cuda", "expected a build with CUDA, got one without",
                  "use --device cpu, or configure with `cmake --preset cuda`");
}

std::string name() { return "none"; }

Matrix::Matrix(View<const float>, bool, bool) { start(); }

void run(const detail::Product&, const void*, const void*, const Matrix*, const float*, float*) {
  start();
}

}  // namespace otoscope::kernels::cuda
