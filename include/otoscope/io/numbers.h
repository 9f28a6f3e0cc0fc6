#pragma once
/// Unaligned little-endian numbers of a file as fp32 or int64.

#include "otoscope/core/tensor.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::io {

/// False, and nothing written, where the dtype is not a float. bytes.size() must match to.size().
bool copy_floats(Dtype dtype, Bytes bytes, View<float> to);
/// False where the dtype is not an integer, or a u64 does not fit.
bool copy_integers(Dtype dtype, Bytes bytes, View<int64_t> to);

}  // namespace otoscope::io
