#include "otoscope/core/isa.h"

#include <atomic>
#include <cstdlib>
#include <string>

#include "otoscope/core/errors.h"

namespace otoscope {
namespace {

Isa best_of_cpu() {
  if (cpu_has(Isa::avx512)) return Isa::avx512;
  if (cpu_has(Isa::avx2)) return Isa::avx2;
  return Isa::scalar;
}

Isa from_environment() {
  const char* wanted = std::getenv("OTOSCOPE_ISA");
  const Isa best = best_of_cpu();
  if (wanted == nullptr || *wanted == '\0') return best;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512})
    if (isa_name(isa) == wanted) return isa < best ? isa : best;
  throw UserError("OTOSCOPE_ISA", "expected scalar, avx2 or avx512, got " + std::string(wanted));
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
  }
  return false;
}

Isa active_isa() { return active().load(std::memory_order_relaxed); }

std::string_view isa_name(Isa isa) {
  return isa == Isa::scalar ? "scalar" : isa == Isa::avx2 ? "avx2" : "avx512";
}

Isa force_isa(Isa isa) { return active().exchange(cpu_has(isa) ? isa : best_of_cpu()); }

}  // namespace otoscope
