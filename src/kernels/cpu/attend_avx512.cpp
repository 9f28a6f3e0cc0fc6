#include "kernels/cpu/attend_table.h"
#include "kernels/cpu/vec_avx512.h"

namespace otoscope::kernels::avx512 {
#include "kernels/cpu/attend.inl"
}
