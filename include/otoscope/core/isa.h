#pragma once
/// Which instruction set own kernels use. Chosen at run time; `OTOSCOPE_ISA=scalar|avx2|avx512|
/// amx` caps it, so one machine tests all of them.

#include <string_view>

namespace otoscope {

/// In ascending order. amx is avx512 with tiles of bfloat16 beside it: only products ask for them.
enum class Isa { scalar, avx2, avx512, amx };
inline constexpr Isa kIsas[] = {Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx};

/// The best level that this CPU has and the environment allows.
Isa active_isa();
std::string_view isa_name(Isa isa);
/// For tests: use this level from now on (clamped to what the CPU has). Returns the level before.
Isa force_isa(Isa isa);
bool cpu_has(Isa isa);

}  // namespace otoscope
