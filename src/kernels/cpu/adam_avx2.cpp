#include "kernels/cpu/adam_table.h"
#include "kernels/cpu/vec_avx2.h"

namespace otoscope::kernels::avx2 {
#include "kernels/cpu/adam.inl"
}
