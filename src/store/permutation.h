#pragma once
/// A random order of 0 … n-1 that is computed, not stored.

#include <cstdint>

namespace otoscope::store {

/// Balanced Feistel network of eight rounds over the smallest even power of two that holds n,
/// walked until the value falls below n (Black & Rogaway 2002, "Ciphers with arbitrary finite
/// domains").
class Permutation {
 public:
  /// 0 < n <= 2^62. Equal keys give equal orders.
  Permutation(int64_t n, uint64_t key);
  int64_t operator()(int64_t i) const;

 private:
  static constexpr int kRounds = 8;
  int64_t n_;
  int half_bits_ = 1;
  uint64_t keys_[kRounds];
};

}  // namespace otoscope::store
