#include "otoscope/core/isa.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "otoscope/core/errors.h"

namespace otoscope {
namespace {

/// Tiles, products of bfloat16 on them, and rounding to bfloat16; and Linux lets this process use
/// the tiles, which it must be asked for (a process that never asks saves their 8 KB at every
/// switch).
bool has_tiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kTileBf16 = 1u << 22, kTile = 1u << 24, kAvx512Bf16 = 1u << 5;
  if ((d & kTileBf16) == 0 || (d & kTile) == 0) return false;
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0 || (a & kAvx512Bf16) == 0) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // asm/prctl.h, since Linux 5.16
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Isa best_of_cpu() {
  Isa best = Isa::scalar;
  for (const Isa isa : kIsas)
    if (cpu_has(isa)) best = isa;
  return best;
}

Isa from_environment() {
  const char* wanted = std::getenv("OTOSCOPE_ISA");
  const Isa best = best_of_cpu();
  if (wanted == nullptr || *wanted == '\0') return best;
  for (const Isa isa : kIsas)
    if (isa_name(isa) == wanted) return isa < best ? isa : best;
  throw UserError("OTOSCOPE_ISA",
                  "expected scalar, avx2, avx512 or amx, got " + std::string(wanted));
}

std::atomic<Isa>& active() {
  static std::atomic<Isa> isa{from_environment()};
  return isa;
}

}  // namespace

bool cpu_has(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case Isa::amx: {
      static const bool tiles = cpu_has(Isa::avx512) && has_tiles();
      return tiles;
    }
  }
  return false;
}

Isa active_isa() { return active().load(std::memory_order_relaxed); }

std::string_view isa_name(Isa isa) {
  constexpr std::string_view kNames[] = {"scalar", "avx2", "avx512", "amx"};
  return kNames[static_cast<size_t>(isa)];
}

Isa force_isa(Isa isa) { return active().exchange(cpu_has(isa) ? isa : best_of_cpu()); }

}  // namespace otoscope
