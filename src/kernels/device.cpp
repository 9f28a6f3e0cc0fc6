#include "otoscope/kernels/device.h"

#include <atomic>

#include "kernels/cuda/product.h"

namespace otoscope::kernels {
namespace {

std::atomic<Device>& active() {
  static std::atomic<Device> device{Device::cpu};
  return device;
}

}  // namespace

Device use_device(Device device) {
  if (device == Device::cuda) cuda::start();
  return active().exchange(device);
}

Device device() { return active().load(std::memory_order_relaxed); }

std::string accelerator() { return device() == Device::cuda ? cuda::name() : "none"; }

bool detail::worth_sending(const Product& p) {
  if (device() == Device::cpu) return false;
  // A bus moves some 10 GB/s and a call costs some 20 us, while a CPU does 0.2 to 2 TFLOP/s: below
  // these a product is done before it would have been sent.
  constexpr double kLeastWork = 0x1p28, kLeastWorkPerByte = 48;
  const double copies = p.batch == 0 ? 1.0 : static_cast<double>(p.batch);
  const auto M = static_cast<double>(p.M), K = static_cast<double>(p.K),
             N = static_cast<double>(p.N);
  const double sent = (M * K + (p.b_packed ? 0 : K * N)) * (p.bf16 ? 2 : 4);
  const double moved = sent + M * N * (p.accumulate ? 8 : 4);
  const double work = 2 * M * K * N;
  return copies * work >= kLeastWork && work >= kLeastWorkPerByte * moved;
}

}  // namespace otoscope::kernels
