#pragma once
/// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, SC'11). Any number of a stream
/// can be had without the ones before it, so results do not depend on threads, batches or resumes.

#include <cstdint>
#include <string_view>
#include <vector>

namespace otoscope {

class Rng {
 public:
  /// Streams of one seed are independent of each other. `name` names what the numbers are for.
  explicit Rng(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  Rng(uint64_t seed, std::string_view name);

  uint32_t bits();
  uint64_t bits64() { return (static_cast<uint64_t>(bits()) << 32) | bits(); }
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Standard normal (Box-Muller; no value is kept between calls, so the position alone is the
  /// state).
  double normal();
  /// Uniform in [0, n), without modulo bias.
  uint64_t below(uint64_t n);
  /// A random order of 0..n-1 (Fisher-Yates).
  std::vector<int64_t> permutation(int64_t n);

  /// The state is the position: save it, and seek to it after a resume.
  uint64_t position() const { return position_; }
  void seek(uint64_t position) { position_ = position; }

 private:
  uint64_t seed_, stream_;
  uint64_t position_ = 0;
  uint64_t cached_block_ = ~0ULL;
  uint32_t cache_[4] = {};
};

/// Four words for one counter: the bare generator.
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/// FNV-1a, for naming streams; not for integrity.
uint64_t name_hash(std::string_view name);

}  // namespace otoscope
