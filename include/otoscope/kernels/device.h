#pragma once
/// Where large products run: on the CPU, or on a CUDA device in builds with OTOSCOPE_CUDA. All
/// tensors stay in host memory: a product's inputs are sent and its result comes back, but for
/// packed weights, which the device keeps.

#include <string>

namespace otoscope::kernels {

enum class Device { cpu, cuda };

/// From now on large products run there; weights packed before stay where they are, so this is
/// called before a model is loaded. UserError for cuda in a build without it, or where no device
/// answers. Returns the device before.
Device use_device(Device device);
Device device();

/// What computes beside the CPU, by its maker's name; "none" on the CPU alone.
std::string accelerator();

}  // namespace otoscope::kernels
