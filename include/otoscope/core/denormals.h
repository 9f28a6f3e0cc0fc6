#pragma once
/// Numbers below the smallest normal one (1.2e-38 in float).

namespace otoscope {

/// From here on they count as zero, as operands and as results (FTZ and DAZ of x86's MXCSR), in the
/// calling thread, the pool's, and those that either starts. The program does it first of all; who
/// links the library may. Intel's cores take some 150 cycles for each of them, and the tail of GELU
/// on real speech has enough to make an encoder's last products six times as slow. Elsewhere than
/// on x86: does nothing.
void flush_denormals();

}  // namespace otoscope
