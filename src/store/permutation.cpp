#include "store/permutation.h"

#include <bit>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::store {
namespace {

/// The finaliser of splitmix64 (Steele et al. 2014): every input bit reaches every output bit.
uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

Permutation::Permutation(int64_t n, uint64_t key) : n_(n) {
  OTO_ASSERT(n > 0 && n <= int64_t{1} << 62);
  const int bits = std::bit_width(static_cast<uint64_t>(n - 1));
  half_bits_ = bits < 2 ? 1 : (bits + 1) / 2;
  Rng rng(key, "permutation");
  for (uint64_t& round : keys_) round = rng.bits64();
}

int64_t Permutation::operator()(int64_t i) const {
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  auto value = static_cast<uint64_t>(i);
  do {
    uint64_t left = value >> half_bits_, right = value & mask;
    for (const uint64_t key : keys_) {
      const uint64_t next = left ^ (mixed(right + key) & mask);
      left = right;
      right = next;
    }
    value = left << half_bits_ | right;
  } while (value >= static_cast<uint64_t>(n_));
  return static_cast<int64_t>(value);
}

}  // namespace otoscope::store
