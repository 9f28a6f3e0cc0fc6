#include "kernels/cpu/adam_table.h"
#include "kernels/cpu/vec_avx512.h"

namespace otoscope::kernels::avx512 {
#include "kernels/cpu/adam.inl"
}
