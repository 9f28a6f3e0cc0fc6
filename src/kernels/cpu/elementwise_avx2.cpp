#include "kernels/cpu/elementwise_table.h"
#include "kernels/cpu/vec_avx2.h"

namespace otoscope::kernels::avx2 {
#include "kernels/cpu/elementwise.inl"
}
