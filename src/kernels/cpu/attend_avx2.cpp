#include "kernels/cpu/attend_table.h"
#include "kernels/cpu/vec_avx2.h"

namespace otoscope::kernels::avx2 {
#include "kernels/cpu/attend.inl"
}
